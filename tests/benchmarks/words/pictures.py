"""Makes pictures with known words: pages, screenshots, receipts and signs, in several scripts.

Fonts are looked for on the machine; kinds whose script no font covers are left out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

FONTS = Path("/usr/share/fonts")
LATIN = (
    "truetype/dejavu/DejaVuSans.ttf",
    "truetype/dejavu/DejaVuSerif.ttf",
    "truetype/dejavu/DejaVuSansMono.ttf",
    "truetype/liberation/LiberationSans-Regular.ttf",
    "truetype/liberation/LiberationSerif-Italic.ttf",
    "opentype/urw-base35/P052-Roman.otf",
    "opentype/urw-base35/URWGothic-Book.otf",
    "opentype/urw-base35/NimbusSansNarrow-Bold.otf",
)
OTHERS = {
    "Grek": "truetype/dejavu/DejaVuSans.ttf",
    "Cyrl": "truetype/dejavu/DejaVuSans.ttf",
    "Arab": "truetype/dejavu/DejaVuSans.ttf",
    "Hebr": "truetype/dejavu/DejaVuSans.ttf",
    "Jpan": "opentype/ipafont-gothic/ipag.ttf",
    "Hans": "truetype/wqy/wqy-microhei.ttc",
    "Kore": "truetype/nanum/NanumGothic.ttf",
    "Deva": "truetype/lohit-devanagari/Lohit-Devanagari.ttf",
    "Thai": "truetype/tlwg/Garuda.ttf",
}
HANDWRITING = "opentype/comic-neue/ComicNeue-Regular.otf"


def _split(words: str) -> list[str]:
    return words.split()


WORDS = {
    "Latn": _split(
        "invoice password wireless network meeting Tuesday garden winter receipt total amount "
        "flight platform departure museum opening hours closed Monday street bakery coffee water "
        "bicycle repair summer festival tickets price order number customer address delivery "
        "battery charger camera lens manual warranty library picture window settings account "
        "Rechnung Straße Öffnungszeiten geschlossen Bäckerei Brötchen Ausfahrt Parkplatz gültig "
        "Quittung Mehrwertsteuer Betrag Frühstück Schlüssel Bahnhof Gleis Zürich München "
        "château élève naïve señor corazón mañana coração São über größe façade Ångström "
        "between mountain river morning evening kitchen recipe flour sugar butter minutes oven "
        "version update install restart error message folder document signature contract rent"
    ),
    "Grek": _split(
        "λιμάνι θάλασσα καλημέρα εισιτήριο είσοδος έξοδος φαρμακείο δρόμος πλατεία νερό ψωμί "
        "τράπεζα βιβλίο σχολείο αγορά ώρα ημέρα νύχτα πόλη νησί καφές γάλα μουσείο στάση"
    ),
    "Cyrl": _split(
        "вокзал билет улица аптека хлеб молоко площадь выход вход музей касса закрыто открыто "
        "понедельник вторник счёт сумма магазин остановка книга школа город река море"
    ),
    "Arab": _split("مدينة كتاب مدرسة سوق ماء خبز شارع محطة تذكرة مفتوح مغلق صيدلية بيت باب"),
    "Hebr": _split("שלום רחוב תחנה כרטיס פתוח סגור בית ספר מים לחם שוק עיר ים חלון דלת"),
    "Kore": _split("서울 역 출구 입구 약국 빵 물 시장 학교 도서관 박물관 표 가격 합계 영수증"),
    "Deva": _split("स्टेशन टिकट पानी रोटी बाजार स्कूल पुस्तक शहर दरवाजा खुला बंद मूल्य"),
    "Thai": _split("สถานี ตั๋ว น้ำ ขนมปัง ตลาด โรงเรียน หนังสือ เมือง ประตู เปิด ปิด ราคา"),
    "Jpan": _split(
        "駅前の喫茶店 本日休業 出口は右側です 領収書 合計金額 東京都港区 電車の時刻表 "
        "ありがとうございました 入場無料 美術館 図書館 コーヒー パスワード 会議は火曜日 "
        "おすすめ料理"
    ),
    "Hans": _split(
        "地铁站出口 今日营业 发票号码 合计金额 北京市朝阳区 欢迎光临 图书馆开放时间 "
        "无线网络密码 请勿吸烟 停车场入口 会议室 星期二下午 咖啡 博物馆"
    ),
}
SUPPORTED = ("Latn", "Jpan", "Hans")
UNSUPPORTED = ("Grek", "Cyrl", "Arab", "Hebr", "Kore", "Deva", "Thai")


@dataclass(frozen=True)
class Made:
    """A picture and the words that stand in it, as they are written."""

    kind: str
    script: str
    image: Image.Image
    words: tuple[str, ...]


def made(kind: str, script: str, seed: int, photos: Sequence[Path] = ()) -> Made:
    """A picture of one of `KINDS`; `photos` are backgrounds of signs and photographed kinds."""
    chance = random.Random(f"{kind} {script} {seed}")
    image, words = KINDS[kind](chance, script, photos)
    return Made(kind, script, image, tuple(words))


def has_font(script: str) -> bool:
    return script == "Latn" or (FONTS / OTHERS[script]).exists()


def every(count: int, photos: Sequence[Path] = ()) -> Iterator[Made]:
    """`count` pictures of each kind in Latin script, and of pages and signs in the others."""
    for kind in KINDS:
        for seed in range(count):
            yield made(kind, "Latn", seed, photos)
    for script in (*SUPPORTED[1:], *UNSUPPORTED):
        if has_font(script):
            for kind in ("page", "sign", "screenshot"):
                for seed in range(count):
                    yield made(kind, script, seed, photos)


@lru_cache(maxsize=200)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / name), size)


def _pick(chance: random.Random, script: str, size: int) -> ImageFont.FreeTypeFont:
    if script != "Latn":
        return _font(OTHERS[script], size)
    names = [name for name in LATIN if (FONTS / name).exists()]
    return _font(chance.choice(names), size)


def _word(chance: random.Random, script: str) -> str:
    if chance.random() < 0.12:
        forms = (
            f"{chance.randint(1000, 99999)}",
            f"{chance.randint(1, 99)}.{chance.randint(10, 99)}",
            f"AB-{chance.randint(1000, 9999)}",
        )
        return chance.choice(forms)
    return chance.choice(WORDS[script])


def _write(
    draw: ImageDraw.ImageDraw,
    chance: random.Random,
    script: str,
    font: ImageFont.FreeTypeFont,
    area: tuple[int, int, int, int],
    ink: tuple[int, int, int],
    spacing: float = 1.5,
) -> list[str]:
    """Fills `area` with lines of words; returns them."""
    left, top, right, bottom = area
    words: list[str] = []
    y = top
    height = int(font.size * spacing)
    blank = draw.textlength("  " if script in ("Jpan", "Hans") else " ", font=font)
    while y + height <= bottom:
        x: float = left
        while True:
            word = _word(chance, script)
            width = draw.textlength(word, font=font)
            if x + width > right:
                break
            draw.text((x, y), word, font=font, fill=ink)
            words.append(word)
            x += width + blank
        y += height
    return words


def _page(chance: random.Random, script: str, _: Sequence[Path]) -> tuple[Image.Image, list[str]]:
    image = Image.new("RGB", (1240, 1754), (252, 251, 247))
    font = _pick(chance, script, chance.choice((24, 28, 34)))
    words = _write(
        ImageDraw.Draw(image), chance, script, font, (110, 120, 1130, 1600), (25, 25, 28)
    )
    return image, words


def _screenshot(
    chance: random.Random, script: str, _: Sequence[Path]
) -> tuple[Image.Image, list[str]]:
    dark = chance.random() < 0.5
    paper, ink = ((30, 31, 36), (222, 222, 226)) if dark else ((250, 250, 250), (30, 30, 36))
    image = Image.new("RGB", chance.choice(((1920, 1080), (1366, 768), (1080, 2340))), paper)
    draw = ImageDraw.Draw(image)
    width, height = image.size
    size = 16 if width > height else 36
    draw.rectangle((0, 0, width, 3 * size), fill=(60, 90, 160))
    words = _write(
        draw,
        chance,
        script,
        _pick(chance, script, size),
        (20, size, width // 2, 3 * size),
        (255,) * 3,
    )
    side = width // 5 if width > height else 0
    if side:
        draw.rectangle((0, 3 * size, side, height), fill=(70, 74, 82))
        small = _pick(chance, script, size)
        area = (12, 5 * size, side - 8, height // 2)
        words += _write(draw, chance, script, small, area, (235, 235, 235), 2.2)
    area = (side + 40, 5 * size, width - 60, height * 2 // 3)
    words += _write(draw, chance, script, _pick(chance, script, size), area, ink)
    return image, words


def _receipt_paper(chance: random.Random, script: str) -> tuple[Image.Image, list[str]]:
    image = Image.new("RGB", (560, 900), (240, 239, 233))
    draw = ImageDraw.Draw(image)
    font = _font(LATIN[2], 24) if script == "Latn" else _pick(chance, script, 24)
    words: list[str] = []
    for y in range(50, 830, 38):
        name, price = _word(chance, script), f"{chance.randint(1, 99)}.{chance.randint(10, 99)}"
        draw.text((40, y), name, font=font, fill=(60, 60, 64))
        draw.text((400, y), price, font=font, fill=(60, 60, 64))
        words += [name, price]
    return image, words


def _receipt(
    chance: random.Random, script: str, photos: Sequence[Path]
) -> tuple[Image.Image, list[str]]:
    paper, words = _receipt_paper(chance, script)
    return _photographed(chance, paper, photos, (1500, 2000), 0.8, dark=False), words


def _dark_receipt(
    chance: random.Random, script: str, photos: Sequence[Path]
) -> tuple[Image.Image, list[str]]:
    paper, words = _receipt_paper(chance, script)
    return _photographed(chance, paper, photos, (1500, 2000), 0.8, dark=True), words


def _sign(
    chance: random.Random, script: str, photos: Sequence[Path]
) -> tuple[Image.Image, list[str]]:
    paper, ink = chance.choice(
        (((20, 70, 160), (250,) * 3), ((245,) * 3, (15,) * 3), ((240, 200, 20), (10,) * 3))
    )
    board = Image.new("RGB", (900, 420), paper)
    draw = ImageDraw.Draw(board)
    words: list[str] = []
    for y in (50, 170, 290):
        word = _word(chance, script)
        draw.text((60, y), word, font=_pick(chance, script, 80), fill=ink)
        words.append(word)
    return _photographed(
        chance, board, photos, (2016, 1512), chance.uniform(0.2, 0.5), dark=False
    ), words


def _small_sign(
    chance: random.Random, script: str, photos: Sequence[Path]
) -> tuple[Image.Image, list[str]]:
    image, words = _sign(chance, script, photos)
    return image.resize((640, 480), Image.Resampling.LANCZOS), words


def _curved(chance: random.Random, script: str, _: Sequence[Path]) -> tuple[Image.Image, list[str]]:
    flat = Image.new("RGB", (1000, 700), (235, 232, 225))
    words = _write(
        ImageDraw.Draw(flat),
        chance,
        script,
        _pick(chance, script, 40),
        (60, 120, 940, 560),
        (30,) * 3,
        1.8,
    )
    pixels = np.asarray(flat)
    bent = np.empty_like(pixels)
    for x in range(pixels.shape[1]):
        bent[:, x] = np.roll(pixels[:, x], int(55 * np.sin(np.pi * x / 1000)) - 28, axis=0)
    return Image.fromarray(bent), words


def _hand(chance: random.Random, script: str, _: Sequence[Path]) -> tuple[Image.Image, list[str]]:
    image = Image.new("RGB", (1200, 900), (248, 246, 238))
    font = _font(HANDWRITING, 40) if (FONTS / HANDWRITING).exists() else _pick(chance, script, 40)
    words = _write(
        ImageDraw.Draw(image), chance, script, font, (80, 80, 1120, 820), (30, 40, 120), 1.7
    )
    return image.rotate(
        chance.uniform(-3, 3), fillcolor=(248, 246, 238), resample=Image.Resampling.BICUBIC
    ), words


def _photographed(
    chance: random.Random,
    paper: Image.Image,
    photos: Sequence[Path],
    size: tuple[int, int],
    share: float,
    dark: bool,
) -> Image.Image:
    """A photo of `paper`, seen at an angle, blurred, noisy, coded as JPEG would be."""
    width, height = size
    if photos:
        back = Image.open(chance.choice(photos)).convert("RGB").resize(size)
    else:
        back = Image.new("RGB", size, (90, 110, 80))
    scale = min(width / paper.width, height / paper.height) * share
    w, h = paper.width * scale, paper.height * scale
    left, top = chance.uniform(0, width - w), chance.uniform(0, height - h)
    shift = 0.06 * min(w, h)
    turn = np.deg2rad(chance.uniform(-9, 9))
    middle = np.array([left + w / 2, top + h / 2])
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = [(left, top), (left + w, top), (left + w, top + h), (left, top + h)]
    seen = [
        spin @ (np.array(corner) - middle) + middle + [chance.uniform(-shift, shift) for _ in "xy"]
        for corner in corners
    ]
    source = [(0, 0), (paper.width, 0), (paper.width, paper.height), (0, paper.height)]
    rows, right = [], []
    for (x, y), (u, v) in zip(seen, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    data = tuple(np.linalg.solve(np.array(rows), np.array(right)))
    mask = Image.new("L", paper.size, 255)
    warp = Image.Transform.PERSPECTIVE
    back.paste(
        paper.transform(size, warp, data, Image.Resampling.BICUBIC),
        mask=mask.transform(size, warp, data, Image.Resampling.BICUBIC),
    )
    photo = back.filter(ImageFilter.GaussianBlur(0.8))
    if dark:
        photo = ImageEnhance.Brightness(photo).enhance(0.3)
    noise = np.random.default_rng(chance.randint(0, 1 << 30)).normal(0, 6, (height, width, 3))
    return Image.fromarray((np.asarray(photo) + noise).clip(0, 255).astype(np.uint8))


KINDS = {
    "page": _page,
    "screenshot": _screenshot,
    "receipt": _receipt,
    "dark receipt": _dark_receipt,
    "sign": _sign,
    "small sign": _small_sign,
    "curved": _curved,
    "handwritten": _hand,
}
