"""Words that say nothing about a picture, or too little to find it by its name."""

from __future__ import annotations

_ENGLISH = """
    a about above across after against all along also am among an and another any are around as at
    away be because been before behind being below beneath beside between beyond both but by
    could did do does doing down during each either else ever every few for from further had has
    have having he her here hers herself him himself his how i if in inside into is it its itself
    just like many may me might more most much my myself near next no nor not of off on once one
    only onto or other our ours out outside over own per same several shall she should since so some
    such than that the their them themselves then there these they this those through to together
    too toward towards under underneath until up upon us very was we were what when where which
    while who whom whose why will with within without would you your yours two three four five six
    seven eight nine ten
"""
_GERMAN_AND_DUTCH = """
    aber als am an auf aus bei beim das dem der des die ein eine einem einen einer eines er es
    ich ihr im in ist kein keine mein meine mit nach neben nicht ohne sein seine sich sie
    sind uber um und unser unsere unter vom von vor wir zu zum zur zwei drei
    de een en het ik met naar niet om onder ons onze op over te uit voor zonder
"""
_ROMANCE = """
    au aux avec ce ces cette chez dans de des devant du elle en est et il je la le les leur ma mes
    mon ne nos notre nous par pas pour sans se ses sont sous sur un une vers votre vous
    al alla allo che con da dal del della di e ed gli i il io lo nel nella non per su sul sulla tra
    uno una unos unas como con del el ella en es esta este la las los mas mi muy no para pero por
    que sin sobre su sus un y ya
    ao aos as com da das do dos em entre ela ele eu foi mais meu minha na nas no nos nao o os ou
    para pela pelo sem seu sua um uma
"""
# "Can", and other languages' "hat", "für" and "den" are left out: in English they are things.
STOP_WORDS = frozenset([*_ENGLISH.split(), *_GERMAN_AND_DUTCH.split(), *_ROMANCE.split()])

_OF_CAMERAS = """
    img imgs image images photo photos photograph photographs photography picture pictures pic pics
    pict foto fotos fotografia bild bilder imagen imagenes imagem imagens immagine immagini dsc dscn
    dscf dcim pxl mvi vid sam jpg jpeg jpe png gif tif tiff webp heic heif avif bmp raw untitled
    unnamed unbenannt unknown copy kopie copia edited bearbeitet
"""
GENERIC = frozenset(_OF_CAMERAS.split())
"""What cameras and programs call any picture."""

_BEFORE_OF = """
    bit bottle bottles bowl bowls box bunch can close closeup couple cup cups drawing front full
    glass glasses group groups half head illustration jar kind kinds lot lots mug number pack
    painting pair pairs part parts piece pieces plate plates portrait portraits row rows scene set
    shot side sketch slice slices sort stack top type types up variety view views
"""
MEASURES = frozenset(_BEFORE_OF.split())
"""Before "of": how much, or what kind of picture."""

_FOR_DESKTOPS = """
    settings setting preferences options configuration config system systemsettings terminal console
    konsole shell browser firefox chrome chromium software install uninstall update updates upgrade
    shutdown restart reboot logout login suspend hibernate bluetooth wifi network
    einstellungen systemeinstellungen herunterfahren neustart neustarten abmelden anmelden
    aktualisierung aktualisieren netzwerk
"""
FOR_DESKTOPS = frozenset(_FOR_DESKTOPS.split())
"""What a launcher is asked for by whoever wants no picture; hardly any shows it."""
