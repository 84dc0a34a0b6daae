"""Names and things of the chronicle's invented valley. Lists only."""

from __future__ import annotations

TITLE = "The Chronicle of the Vale of Orrin"
FIRST_YEAR, LAST_YEAR = 1381, 1519

TOWNS = (
    "Thornwick", "Saltby", "Greyferry", "Ashlow", "Hollin Bridge", "Marrick", "Vennor", "Oxhithe", "Cold Elm",
    "Rusk", "Pellworth", "Stanmere", "Three Mills", "Undercliff",
)  # fmt: skip
RIVERS = ("the Orrin", "the Little Orrin", "the Wend", "the Sallow", "the Black Beck")
FAR = (
    "Lubeck", "Bruges", "Santiago", "Ragusa", "Bergen", "Venice", "Cracow", "Lisbon", "Riga", "Cologne",
    "Trondheim", "Damascus", "Candia", "Toledo", "Reval", "Genoa", "Novgorod", "Paris", "Alexandria", "Ghent",
)  # fmt: skip
MEN = (
    "Aldous", "Anselm", "Barnaby", "Bertram", "Clement", "Corbin", "Drogo", "Edric", "Eustace", "Fabian", "Gervase",
    "Giles", "Godwin", "Hamo", "Hugh", "Ivo", "Jocelin", "Kenelm", "Lambert", "Leofric", "Magnus", "Miles", "Nigel",
    "Odo", "Osbert", "Oswin", "Piers", "Quentin", "Ralf", "Roland", "Sampson", "Silas", "Simkin", "Tancred",
    "Theobald", "Thurstan", "Ulric", "Walter", "Warin", "Wilfred", "Wystan", "Adam", "Baldwin", "Crispin", "Denys",
    "Elias",
)  # fmt: skip
WOMEN = (
    "Adela", "Agnes", "Alditha", "Amabel", "Avice", "Beatrix", "Cecily", "Clarice", "Custance", "Denise", "Edith",
    "Eleanor", "Emmot", "Ermengarde", "Eva", "Felise", "Godiva", "Gunnora", "Hawise", "Helewise", "Idony", "Isolda",
    "Joan", "Juliana", "Katherine", "Lettice", "Mabel", "Margery", "Matilda", "Maud", "Muriel", "Nicola", "Odile",
    "Orabel", "Petronel", "Philippa", "Rohese", "Sabina", "Sybil", "Thomasin", "Ursula", "Winifred", "Ysolt",
    "Alina",
)  # fmt: skip
SURNAMES = (
    "Pike", "Rudd", "Fenner", "Ashby", "Tolliver", "Crake", "Hobday", "Larkin", "Mossop", "Quill", "Sedge",
    "Tarrant", "Underhill", "Vane", "Wray", "Yarrow", "Bramble", "Cutler", "Dunnock", "Eaves", "Farrow", "Garth",
    "Holme", "Ingle", "Jessop", "Kettle", "Lorimer", "Marl", "Nettle", "Orchard", "Pargeter", "Rooke", "Starling",
    "Thrale", "Udall", "Wheelwright", "Askew", "Blythe", "Cordwain", "Dyer", "Elphick", "Foxley", "Gammon", "Heron",
    "Ivory", "Kemp", "Leech", "Merrow", "Oakes", "Plume", "Roper", "Skelton", "Tench", "Varley", "Wainscot",
    "Alder", "Birch", "Chantry", "Drake", "Fallow", "Gosling", "Harrow", "Latch", "Millward", "Nash", "Pilgrim",
    "Reeve", "Salter", "Thatcher",
)  # fmt: skip
TRADES = (
    "miller", "dyer", "ferryman", "mason", "carpenter", "tanner", "salter", "weaver", "smith", "chandler", "cooper",
    "baker", "saddler", "glazier", "fuller", "brewer", "potter", "thatcher", "bell-founder", "scrivener",
    "apothecary", "shepherd", "beekeeper", "wheelwright", "fisher", "midwife", "innkeeper", "ropemaker", "fletcher",
    "goldsmith",
)  # fmt: skip
BUILDINGS = (
    "clock tower", "granary", "stone bridge", "tithe barn", "almshouse", "water gate", "market cross",
    "fulling mill", "leper chapel", "grammar school", "corn exchange", "north wall", "dovecote", "salt house",
    "windmill", "court house", "town oven", "conduit", "pilgrims' inn", "weigh house", "cloister", "fish stairs",
    "tollbooth", "lazar house",
)  # fmt: skip
TREASURES = (
    "a silver thurible", "a map of the coast painted on calfskin", "a pair of spectacles",
    "a clock no bigger than a loaf", "two saplings of the mulberry tree", "a caged bird that could say grace",
    "a book on the curing of horses", "a lens of rock crystal", "a bag of blue pigment", "the tooth of a sea-beast",
    "a lute with eleven strings", "a set of chessmen in jet", "seeds of a red root that nobody knew",
    "a reliquary of green glass", "a mirror that showed the whole face", "a hive of pale bees",
    "a wheel for spinning silk", "a carpet with a knotted lion", "a stone that drew iron",
    "a psalter written in gold", "a compass in a box of cedar", "three lemons in salt",
    "a bell the size of a thimble", "a globe of brass", "an ivory comb", "a recipe for white glass",
    "a falcon's hood of pearls", "a sextant of pearwood", "a jar of ginger", "the pattern of a stocking frame",
    "a sundial for the pocket", "a falchion with a written blade",
)  # fmt: skip
GOODS = (
    "salt", "undyed wool", "herring", "wax", "iron bars", "oak bark", "millstones", "honey", "tallow", "linen",
    "slate", "charcoal", "cheese", "hops", "leather", "rushes", "glass beads", "pitch", "barley", "dried plums",
)  # fmt: skip
BELLS = (
    "Old Margery", "Great Tom of the Mead", "Gabriel", "Sweet Cecily", "the Drowned Maid", "Harkaway",
    "Black Peter", "the Widow", "Long Wilfred", "Saint Orrin's Tongue", "the Lamb", "Hollow Joan", "Early Robin",
    "the Grey Friar", "Thunder Kate", "Little Ease", "Dusty Matthew", "the Bride",
)  # fmt: skip
FERRIES = (
    "the Patient Ox", "the Goose", "the Maid of Rusk", "the Three Brothers", "the Otter", "the Slow Prayer",
    "the Heron", "the Kingfisher", "the Green Barrow", "the Widow's Penny", "the Long Breath", "the Plough",
    "the Curlew",
)  # fmt: skip
BOOKS = (
    "the Lives of the Seven Hermits", "a treatise on bees", "the Customs of the Ferry",
    "a herbal with painted leaves", "the Sayings of Abbess Ysolt", "a computus for the feasts",
    "the Song of the Two Rivers", "a book of weights", "the Rule of the Salters", "a bestiary",
    "the Pleas of the Moot", "a history of the kings of the north", "the Dream of the Miller", "a book of tides",
    "the Perambulation of the Bounds", "a mirror for wardens",
)  # fmt: skip
INVENTIONS = (
    "a bucket wheel that a dog could turn", "a lock that opened with two keys at once",
    "a plough with an iron share that could be turned", "a way of dyeing wool green in one bath",
    "an oven with two floors", "a rope-walk under a roof", "a kite to lift a lantern",
    "a saw driven by the mill stream", "a cart with a brake of willow", "a still for mint",
    "a candle marked with the hours", "a weir with a door for salmon", "a loom for cloth of double width",
    "a press for apples that two children could work", "a stove of tiles", "a net weighted with clay beads",
    "a bolt for the gates that fell by itself", "a pen of brass",
)  # fmt: skip
STOLEN = (
    "the silver spoons of the guild", "the abbot's mule", "the seal of the town", "forty ells of blue cloth",
    "the alms box", "the weathercock", "a chest of pepper", "the best bell rope", "the warden's chain",
    "nine barrels of herring", "the standard yard", "a chalice with a bent foot", "the ferry's oars",
    "the key of the granary", "a swarm in its skep", "the saint's left shoe", "the moot-horn", "a prize ram",
    "the toll of three weeks", "the painted door of the inn",
)  # fmt: skip
HIDING_PLACES = (
    "under a heap of oak bark", "in the hollow of the boundary elm", "at the bottom of the dyer's vat",
    "inside a hay-rick", "behind the third stair of the tower", "in a beehive", "under the floor of the dovecote",
    "in a coffin that was too light", "sewn into a mattress", "in the well, hung on a chain", "between two loaves",
    "in the organ's longest pipe", "under the ferry's boards", "in a lime pit", "walled up beside the oven",
    "in the lap of a stone saint",
)  # fmt: skip
COINS = ("marks", "shillings", "crowns", "pounds of silver")
