"""What is wrong with a query."""

from __future__ import annotations

from csearchd.reasons import Template

# Its words
UNCLOSED_QUOTE = Template("unclosed-quote", 'this " is not closed')
WEIGHTED_FILTER = Template("weighted-filter", "a filter has no weight")
MISSING_VALUE = Template(
    "missing-value",
    "{word} needs a value right after it; put it in quotes to search for it as text",
)
SUBTRACTED_FILTER = Template("subtracted-filter", "write not:{filter}")
NOTHING_FOLLOWS = Template(
    "nothing-follows", "nothing follows {operator}; put it in quotes to search for it as text"
)
NOTHING_BETWEEN = Template("nothing-between", "there is nothing between {first} and {second}")
EMPTY = Template("empty-query", "the query is empty; describe the picture in a few words")
MISPLACED_WEIGHT = Template(
    "misplaced-weight", "a weight goes at the beginning of a part; write + {text}"
)
WEIGHT_OUT_OF_RANGE = Template(
    "weight-out-of-range", "a weight must be above 0 and at most 1000; - subtracts"
)
MISPLACED_NOT = Template(
    "misplaced-not",
    "not: goes before a filter, as in not:tag:{word}; to subtract from a picture's meaning write "
    "- between blanks",
)
CANCELLED = Template("parts-cancel-out", "the parts of the query cancel each other out")
LABEL_WITHOUT_PICTURE = Template(
    "label-without-picture", "a label goes with a picture; without one, write it as words"
)

# Its length
TOO_LONG = Template(
    "query-too-long", "the query has {length} characters; at most {limit} are allowed"
)
TEXT_TOO_LONG = Template("text-too-long", "more than {limit} characters that describe a picture")
TOO_MANY_PARTS = Template("too-many-parts", "more than {limit} parts and filters")
TOO_MANY_PICTURES = Template("too-many-pictures", "a query can have at most {limit} pictures")
NEGATION_UNDERSTOOD = Template(
    "negation-understood", '"{text}" is searched for as: {query} (text in quotes stays as it is)'
)
NEGATION_HINT = Template(
    "negation-hint",
    'models don\'t understand "{word}"; write what is not to be seen after a minus: dog - grass',
)
DASHED_WORD = Template("dashed-word", "to leave something out: {query}")
READ_AS = Template("read-as", "understood as {filter}")
ENGLISH_ONLY = Template(
    "english-only",
    "the model {model} knows English only; csearchctl model install {better} brings one that "
    "knows many languages",
)
ALL_ASKED_WITH = Template("all-asked-with", "every picture there is one of those asked with")
TOO_MANY_DATES = Template("too-many-dates", "more than {limit} dates")

# Filters
UNKNOWN_FILTER = Template(
    "unknown-filter",
    "there is no filter {name}: (known filters: {filters}); put it in quotes to search for it as "
    "text",
)
MISSPELT_FILTER = Template(
    "misspelt-filter",
    "there is no filter {name}: (did you mean {similar}:); put it in quotes to search for it as "
    "text",
)
EMPTY_VALUE = Template("empty-value", "the value of {name}: is empty")
VALUE_TOO_LONG = Template("value-too-long", "the value of {name}: has more than {limit} characters")
TOO_MANY_WILDCARDS = Template("too-many-wildcards", "more than {limit} * in the value of {name}:")
WRONG_VALUE = Template("wrong-value", "{name}: {reason}")
NOT_A_NUMBER = Template(
    "not-a-number", "{value!r} is not a number or a comparison such as {example}"
)
SIZE_IN_MEGAPIXELS = Template(
    "size-in-megapixels", "a size is in megapixels, with MP after the number: size:{example}"
)
TOO_MANY_STARS = Template("too-many-stars", "there are at most {limit} stars")
REVERSED_RANGE = Template("reversed-range", "{first} is more than {last}; write {example}")
NO_WORDS = Template("no-words", "{value!r} has neither letters nor digits")
NOT_A_CHOICE = Template("not-a-choice", "{value!r} is not one of {choices}")

# Dates
DATE_TOO_LONG = Template(
    "date-too-long", "the date has {length} characters; at most {limit} are allowed"
)
NO_DATE_IN_RANGE = Template("no-date-in-range", "a date is missing before or after ..")
REVERSED_DATES = Template("reversed-dates", "{first} is later than {last}")
NO_SUCH_DATE = Template("no-such-date", "there is no {text}")
AMBIGUOUS_YEAR = Template("ambiguous-year", "{text} can be read in several ways; write {example}")
AMBIGUOUS_DATE = Template(
    "ambiguous-date", "{text} can be read in two ways; write {first} or {second}"
)
NOT_A_DATE = Template("not-a-date", "{text!r} is not a date; dates are written like {examples}")

SEVERAL_WORDS = Template(
    "date-of-several-words", 'a date of several words is written in quotes: {name}:"last summer"'
)

# Places
PLACE_UNDERSTOOD = Template(
    "place-understood", "near:{value} means within {distance} km of {place}"
)
AREA_UNDERSTOOD = Template("area-understood", "near:{value} means all of {area}")
ALSO_PLACE = Template("also-place", 'near:"{other}" means around {place}')
ALSO_AREA = Template("also-area", 'near:"{other}" means all of {area}')
AREA_WITH_DISTANCE = Template(
    "area-with-distance", "{area} is an area; a distance goes with a city or a point"
)
COORDINATES_OUT_OF_RANGE = Template(
    "coordinates-out-of-range",
    "a latitude is from -90 to 90, a longitude from -180 to 180 degrees",
)
UNKNOWN_CITY = Template(
    "unknown-city",
    "no place {name!r} is known, of the cities over 1,000 inhabitants, regions and countries; "
    'near:"38.7,-9.1,10km" takes any point',
)
MISSPELT_CITY = Template("misspelt-city", "no place {name!r} is known; did you mean {similar}?")
CITY_ELSEWHERE = Template("city-elsewhere", "there is no {text}, but {cities}")
PLACES_DAMAGED = Template("places-damaged", "{path} is damaged ({details}); install csearch again")
