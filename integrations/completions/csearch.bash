# Completion of csearch and csearchctl for bash.

_csearch() {
    local IFS=$'\n' offered
    offered=($(@PYTHON@ -m csearch.completing bash "$1" "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null))
    COMPREPLY=()
    case ${offered[0]} in
        files) compopt -o default ;;
        directories) compopt -o dirnames ;;
        *)
            compopt -o nospace -o nosort
            COMPREPLY=("${offered[@]:1}")
            ;;
    esac
}

complete -F _csearch csearch csearchctl
