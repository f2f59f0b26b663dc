"""Languages as locales name them (ISO 639-1) and as NLLB's tokens do (ISO 639-3 and a script)."""

from __future__ import annotations

import re
from collections.abc import Mapping

# An individual language where ISO 639-1 names a group: 'ar' is Modern Standard Arabic.
_NAMES = """
    af:afr am:amh ar:arb as:asm ay:ayr az:azj ba:bak be:bel bg:bul bm:bam bn:ben bo:bod bs:bos
    ca:cat cs:ces cy:cym da:dan de:deu dz:dzo ee:ewe el:ell en:eng eo:epo es:spa et:est eu:eus
    fa:pes ff:fuv fi:fin fj:fij fo:fao fr:fra ga:gle gd:gla gl:glg gn:grn gu:guj ha:hau he:heb
    hi:hin hr:hrv ht:hat hu:hun hy:hye id:ind ig:ibo is:isl it:ita ja:jpn jv:jav ka:kat kg:kon
    ki:kik kk:kaz km:khm kn:kan ko:kor ks:kas ku:kmr ky:kir lb:ltz lg:lug li:lim ln:lin lo:lao
    lt:lit lv:lvs mg:plt mi:mri mk:mkd ml:mal mn:khk mr:mar ms:zsm mt:mlt my:mya nb:nob ne:npi
    nl:nld nn:nno no:nob ny:nya oc:oci om:gaz or:ory pa:pan pl:pol ps:pbt pt:por qu:quy rn:run
    ro:ron ru:rus rw:kin sa:san sc:srd sd:snd sg:sag si:sin sk:slk sl:slv sm:smo sn:sna so:som
    sq:als sr:srp ss:ssw st:sot su:sun sv:swe sw:swh ta:tam te:tel tg:tgk th:tha ti:tir tk:tuk
    tl:tgl tn:tsn tr:tur ts:tso tt:tat tw:twi ug:uig uk:ukr ur:urd uz:uzn vi:vie wo:wol xh:xho
    yi:ydd yo:yor zh:zho zu:zul fil:tgl
"""
_CODES = dict(entry.split(":") for entry in _NAMES.split())
_TRADITIONAL = {"TW", "HK", "MO"}  # regions that write Chinese in traditional characters
_LOCALE = re.compile(
    "(?P<language>[a-z]{2,3})([_-](?P<script>[a-z]{4}))?([_-](?P<region>[a-z]{2}))?([.@].*)?",
    re.IGNORECASE,
)


def language_token(tokens: Mapping[str, int], language: str) -> int | None:
    """The token of `language`, a locale or a code of NLLB, among `tokens` by NLLB's codes.

    A script that isn't among them, or that `language` doesn't name, falls back to the first by
    name. None for what is no language, such as the locale 'C', and for one that has no token.
    """
    match = _LOCALE.fullmatch(language)
    if match is None:
        return None
    name = match["language"].lower()
    code = _CODES.get(name, name)
    script = (match["script"] or "").title()
    if code == "zho" and not script:
        script = "Hant" if (match["region"] or "").upper() in _TRADITIONAL else "Hans"
    named = [known for known in sorted(tokens) if known.startswith(f"{code}_")]
    exact = [known for known in named if known.endswith(f"_{script}")]
    return tokens[(exact or named)[0]] if named else None
