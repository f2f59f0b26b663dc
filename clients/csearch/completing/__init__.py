"""What a shell offers while csearch or csearchctl is typed: `python -m csearch.completing`.

The scripts in integrations/completions/ call it and print nothing of their own. It prints a line
that says what to offer, `words`, `files` or `directories`, then a word a line, with what it means
behind a tab. Where anything is wrong it says nothing: nobody wants a complaint in a line that is
being typed.
"""
