"""Plain words and syllables from which made keys, names and places are put together."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ADJECTIVES = _words(
    """
    able amber ancient arctic autumn awake basic bitter blunt bold brave brief bright brisk broad bronze busy calm
    careful cheap chilly civil clean clever cloudy coarse copper cosmic cozy crimson crisp curious curly damp daring
    dark deep dense dry dusty eager early earnest eastern easy empty even exact faint fair famous fancy fast fertile
    fierce final firm flat fluent fond formal fragile frank free fresh frosty frugal full gentle giant glad glossy
    golden grand gray green handy happy hardy harsh hasty hazy heavy hidden hollow honest humble hungry icy idle
    indigo inner ivory jolly keen kind large late lazy lean light little lively local lofty lonely long loud loyal
    lucky lunar magic maple marble mellow merry mighty mild minor misty modern modest muddy muted narrow native neat
    nimble noble northern novel olive open orange outer pale patient plain polite proper proud purple quick quiet
    rapid rare raw ready remote rich rigid ripe rough round royal rural rusty sandy scarlet serene sharp shiny short
    shy silent silver simple sleepy slender slim slow small smooth snowy sober soft solar solid southern spare spicy
    steady steep stern stony stormy strange strict strong sturdy subtle sudden sunny supple sweet swift tall tame
    tender thick thin tidy tiny tough tranquil true urban vague vast velvet violet vivid warm wary western wet whole
    wide wild windy wise wooden worldly young zesty
    """
)
NOUNS = _words(
    """
    acorn almond anchor anvil apron arch arrow attic badge bakery balcony ballad bamboo banner barley barn basin
    basket beacon beaver bell bench berry bicycle birch bishop blanket blossom boat bottle boulder branch brick
    bridge broom brush bucket buffalo bundle butter cabin cable cactus camel candle canoe canyon carpet carrot cart
    castle cattle cave cedar cellar chain chair chalk chapel cherry chest chimney circle citadel cliff clock cloud
    coat cobra coin compass copper coral cotton cradle crane crater cricket crown crystal curtain cushion daisy
    desert diamond dolphin donkey door dragon drawer drum eagle echo elbow elm engine envelope falcon farm feather
    fence fern ferry fiddle field finch flame flute forest fork fossil fountain fox garden garlic gate geyser
    giraffe glacier glove goblet goose granite grape guitar hammer harbor harp hatchet hawk hazel hedge helmet heron
    hill hinge honey horizon horn hotel island ivy jacket jar jasmine jewel jungle kernel kettle key kitchen kite
    ladder lagoon lake lamp lantern lark lattice lemon letter lever library lily lion lizard locket loom magnet
    mantle market meadow melon mill mirror mitten monkey moon mosaic mountain mustard needle nest notebook nutmeg
    oak oasis ocean onion orchard otter oven owl oyster palace panther paper parcel parrot pasture path peach pearl
    pebble pelican pencil pepper piano pigeon pillar pillow pine pipe planet plank plum pocket pond poplar poppy
    porch potato prairie pumpkin puzzle quarry quilt rabbit radish raft rail rainbow raven reed ribbon river road
    robin rocket rope rose rudder saddle sail salmon saucer scarf school shell shovel shutter signal sparrow spindle
    spoon spruce stable stair statue stone stove stream summit swallow table tavern temple thistle thunder ticket
    tiger timber torch tower trail tree trumpet tulip tunnel turnip turtle umbrella valley vase velvet village
    violin wagon walnut waterfall wharf wheel whistle willow window wolf yarn zebra
    """
)
GIVEN_STARTS = _words(
    """
    Al Ar Bel Bren Cas Cor Dal Dor El Em Fal Fen Gar Hal Il Jor Kal Ker Lan Lor Mar Mel Nar Nel Or Per Quin Ral Ros
    Sab Sel Tal Tem Ul Var Vel Wil Yar Zel
    """
)
GIVEN_ENDS = _words(
    """
    a an ara as el ena eth ia ian ic iel in ina is ka la len mina na ne o on or ric rin sa ta us wen ya
    """
)
FAMILY_STARTS = _words(
    """
    Ab Ash Bar Bel Bran Cald Cran Dar Dun Ever Fair Fen Glan Gran Had Hart Hol Ing Kel Kir Lang Len Mar Mor Nor Oak
    Pel Pen Quar Rad Ren Sand Stan Tal Thorn Under Van Vas Wain Wen Yar
    """
)
FAMILY_ENDS = _words(
    """
    acre berg bourne by combe croft dale den ditch ell er field ford gate ham hurst ing land lock low man mere more
    nell ock old rick sby son stead stone ton wall wick wood worth
    """
)
PLACE_STARTS = _words(
    """
    Al Amber Barn Black Bram Brook Cold Crag Dern East Elm Fal Gold Grim Har Hazel Holm Iron Keld Lang Lin Marl Mill
    Nether North Oak Oster Pen Quill Raven Red Sel Silver South Stan Tarn Thorn Up Wal West Wolver Yar
    """
)
PLACE_ENDS = _words(
    """
    bank beck borough bridge brook burn bury by cliff cote dale don fell field ford gate ham haven head hill holm
    hurst lake ley mere minster mouth ness pool port shaw stead thorpe ton vale water well wick worth
    """
)
# Words with a meaning of their own that English writes with a capital: not renamed.
KEPT = frozenset(
    _words(
        """
        january february march april may june july august september october november december monday tuesday wednesday
        thursday friday saturday sunday mr mrs miss ms dr sir lady lord captain king queen prince princess president
        doctor professor colonel general saint the and but for not this that these those there then they when where
        what which who whom whose why how
        """
    )
)
