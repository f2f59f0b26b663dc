# Completion of csearch and csearchctl for fish.

function __csearch_offer
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l offered (@PYTHON@ -m csearch.completing fish $words "$current" 2>/dev/null)
    switch "$offered[1]"
        case files
            __fish_complete_path "$current"
        case directories
            __fish_complete_directories "$current"
        case '*'
            printf '%s\n' $offered[2..-1]
    end
end

complete -c csearch -f -k -a '(__csearch_offer)'
complete -c csearchctl -f -k -a '(__csearch_offer)'
