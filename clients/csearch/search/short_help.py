"""What csearch -h shows: one screen. Everything is in --help and in csearch(1)."""

from __future__ import annotations

SHORT_HELP = """
usage: csearch [options] QUERY…

Finds photos by describing them, in the current directory and all below it:
  csearch a dog on the beach
  csearch beach - people                    without people
  csearch 'beach on:"last summer"'          filters: date, place, camera, tag …
  csearch ./cat.jpg                         pictures like this one
  csearch --sort size                       the biggest; --sort date: the latest
  csearch -0 beach | xargs -0 cp -t DIR     copies what is found into DIR

  --in DIR       search DIR and all below it (can be repeated)
  -g, --global   search all directories that are known
  -t, --top N    at most N results (10)
  --sort ORDER   by score, date, name or size
  --preview      show the pictures in the terminal
  --why          explain what each result matches

csearch --help            all options
csearchctl help filters   all filters; csearchctl help lists more topics
csearchctl -h             watch folders, why a picture isn't found, remove all
man csearch               the manual
"""
