"""Shell completion of csearch and csearchctl: `python -m csearch.completing SHELL …`.

The scripts in integrations/completions/ call it. Its output is a line with the kind of completions,
`words`, `files` or `directories`, and then one word per line, with an explanation after a tab. If
anything goes wrong it prints nothing, since a message would disturb the line that is being typed.
"""
