"""Texts in twenty-six scripts, to compare tokenizers on."""

from __future__ import annotations

import itertools

WORDS = {
    "Latin": "dog Straße naïve façade été žluťoučký ńandú İstanbul ﬁsh Việt",
    "Cyrillic": "собака Красный дом вода гора їжак ўзор щенок ёлка",
    "Greek": "σκύλος κόκκινο σπίτι νερό βουνό Άθως ΐ",
    "Arabic": "كلب أحمر بيت ماء جبل گربه پرنده ٱلْكَلْبُ",
    "Hebrew": "כלב אדום בית מים הר שָׁלוֹם",
    "Devanagari": "कुत्ता लाल घर पानी पहाड़ क्ष नाव",
    "Bengali": "কুকুর লাল বাড়ি জল পাহাড়",
    "Gurmukhi": "ਕੁੱਤਾ ਲਾਲ ਘਰ ਪਾਣੀ ਪਹਾੜ",
    "Gujarati": "કૂતરો લાલ ઘર પાણી પર્વત",
    "Odia": "କୁକୁର ଲାଲ ଘର ପାଣି ପାହାଡ",
    "Tamil": "நாய் சிவப்பு வீடு தண்ணீர் மலை",
    "Telugu": "కుక్క ఎరుపు ఇల్లు నీరు పర్వతం",
    "Kannada": "ನಾಯಿ ಕೆಂಪು ಮನೆ ನೀರು ಬೆಟ್ಟ",
    "Malayalam": "നായ ചുവപ്പ് വീട് വെള്ളം മല",
    "Sinhala": "බල්ලා රතු ගෙදර වතුර කන්ද",
    "Thai": "สุนัข สีแดง บ้าน น้ำ ภูเขา",
    "Lao": "ໝາ ສີແດງ ເຮືອນ ນ້ຳ ພູເຂົາ",
    "Khmer": "ឆ្កែ ក្រហម ផ្ទះ ទឹក ភ្នំ",
    "Myanmar": "ခွေး အနီ အိမ် ရေ တောင်",
    "Tibetan": "ཁྱི དམར་པོ ཁང་པ ཆུ རི",
    "Georgian": "ძაღლი წითელი სახლი წყალი მთა",
    "Armenian": "շուն կարմիր տուն ջուր սար",
    "Ethiopic": "ውሻ ቀይ ቤት ውሃ ተራራ",
    "Hangul": "강아지 빨간 집 물 산 ㅎㅎ",
    "Han": "小狗 红色的房子 水 山 臺灣 𠮷野家",
    "Kana": "いぬ アカイ いえ ミズ やま ｶﾀｶﾅ パ",
}
_FRAMES = (
    "{0}",
    "{0} {1}",
    "{1}{0}",
    "  {0}\t{2}  {1}\n",
    "a photo of {0}, {1} & {2}!",
    "{0}'s {1} (2019) — №3½",
    "{2}_{0}-{1}/{2}…",
    "🦜{0}👩‍👩‍👧{1} \u200b{2}",
    "{0}{1}{2}{0}{1}{2}",
    "<b>{0}</b> {1} &amp; </s> <unk>",
    "{0} {0} {1}? “{2}” ١٢٣ ²Ⅳ",
    "{0}\u3000{1}\u00a0{2} ▁ ▁▁",
)


def texts() -> list[str]:
    """More than 300 texts, the same at each call."""
    found = []
    for words in (line.split() for line in WORDS.values()):
        rows = itertools.cycle(
            zip(words, words[1:] + words[:1], words[2:] + words[:2], strict=True)
        )
        found += [frame.format(*row) for frame, row in zip(_FRAMES, rows, strict=False)]
    return found


def vocabulary_words() -> list[str]:
    """Words of all the scripts."""
    return [word for line in WORDS.values() for word in line.split()]
