"""What programs call a screenshot, in the languages of GNOME, KDE, macOS and Windows."""

from __future__ import annotations

import re

_NAMES = (
    "Screenshot", "Screen Shot", "Screen-shot", "Screen_shot", "Screen recording",
    "Screenrecording", "Screen_recording",
    "Scrnshot", "Screengrab", "Bildschirmfoto", "Bildschirmaufnahme",
    "Capture d’écran", "Capture d'écran", "Copie d’écran", "Copie d'écran",
    "Captura de pantalla", "Captura de Tela", "Captura de ecrã", "Captura", "Ecrã",
    "Schermata", "Istantanea schermo", "Istantanea", "Cattura", "Schermafbeelding",
    "Schermafdruk", "Schermopname", "Schermafdruk van", "Skärmbild", "Skärmavbild", "Skärmdump",
    "Skærmbillede", "Skærmdump", "Skjermbilde", "Skjermdump", "Skjámynd", "Näyttökuva",
    "Kuvankaappaus", "Kuvakaappaus", "Ruutukaappaus", "Zrzut ekranu", "Snímek obrazovky",
    "Snímka obrazovky", "Képernyőfotó", "Képernyőkép", "Captură de ecran", "Instantaneu ecran",
    "Στιγμιότυπο οθόνης", "Στιγμιότυπο", "Снимок экрана", "Скриншот", "Знімок екрана",
    "Знімок екрану", "Здымак экрана", "Екранна снимка", "Снимка на екрана", "Снимак екрана",
    "Snimak ekrana", "Snimka zaslona", "Slika zaslona", "Posnetek zaslona", "Zaslonska slika",
    "Ekrano kopija", "Ekrano nuotrauka", "Ekrānuzņēmums", "Ekraanipilt", "Ekraanitõmmis",
    "Kuvatõmmis", "Ekran görüntüsü", "Ekran Resmi", "Ekran Alıntısı", "スクリーンショット",
    "屏幕截图", "屏幕快照", "截屏", "截图", "截圖", "螢幕截圖", "螢幕快照", "螢幕擷取畫面",
    "스크린샷", "스크린숏", "화면 캡처",
    "Ảnh chụp màn hình", "Ảnh màn hình", "ภาพถ่ายหน้าจอ", "สกรีนช็อต",
    "ภาพหน้าจอ", "Tangkapan Layar", "Cuplikan Layar", "Jepretan Layar", "Petikan skrin",
    "Syot Layar", "स्क्रीनशॉट", "لقطة شاشة", "لقطة الشاشة", "צילום מסך", "نماگرفت",
    "Pantaila-argazkia", "Ekrankopio",
)  # fmt: skip

SCREENSHOT = "|".join(re.escape(name) for name in sorted(_NAMES, key=len, reverse=True))
"""A regular expression for any of them, in normalisation form C; whatever the case."""
