#!/bin/sh
# Brings the catalogues up to date with the code, and compiles them. Needs gettext.
set -e
cd "$(dirname "$0")"
export LC_ALL=C.UTF-8
xgettext --from-code=UTF-8 --language=Python --keyword=_ --keyword=N_ --keyword=ngettext:1,2 --no-location \
  --package-name=csearch --sort-output -o csearch.pot ../window/*.py ../window/*/*.py ../nautilus/*.py
sed -i -e '/^"POT-Creation-Date/d' -e 's/charset=CHARSET/charset=UTF-8/' csearch.pot
for catalogue in *.po; do
  language=${catalogue%.po}
  msgmerge --quiet --no-fuzzy-matching --sort-output --update --backup=none "$catalogue" csearch.pot
  mkdir -p "../locale/$language/LC_MESSAGES"
  msgfmt --check -o "../locale/$language/LC_MESSAGES/csearch.mo" "$catalogue"
done
