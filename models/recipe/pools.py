"""Word pools of the made facts: what things are called, coloured, worth. Split on commas."""

from __future__ import annotations


def _pool(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", " ").split(",") if part.strip())


SYLLABLES = _pool(
    """
    ba, be, bi, bo, bra, da, del, dor, dra, el, en, fa, fen, ga, gar, gel, ha, hal, im, in, jo, ka, kel, kor, la,
    len, lin, lo, ma, mar, mi, mor, na, nel, no, or, os, pa, per, pi, qui, ra, ren, ri, ro, sa, sel, si, sol, ta,
    tel, ti, tor, ul, va, ven, vi, vor, wa, wen, yor, za, zel
    """
)
OBJECTS = _pool(
    """
    rudder, cellar, harbour, gate, invoice, ledger, locker, permit, boiler, cabin, engine, garden, library, parcel,
    passport, contract, server, ticket, warehouse, wagon, workshop, account, archive, badge, battery, bridge,
    camera, clinic, depot, elevator, ferry, furnace, generator, greenhouse, kiln, laboratory, lighthouse,
    membership, mill, mine, office, orchard, pump, radio, registry, safe, school, shipment, signal, station, studio,
    tower, trailer, tunnel, turbine, vault, vehicle, vineyard, well, policy
    """
)
CODES = _pool(
    """
    code, number, key, password, reference, serial number, identifier, PIN, registration, combination, passcode,
    token
    """
)
ATTRIBUTES = _pool(
    """
    favourite colour|colour, home town|place, birthplace|place, monthly rent|money, annual salary|money,
    deposit|money, date of arrival|date, date of departure|date, birthday|date, middle name|name, mentor|person,
    supervisor|person, landlord|person, doctor|person, successor|person, business partner|person, shoe size|small,
    lucky number|number, room number|number, house number|number, telephone number|long, access code|number,
    occupation|job, pet|animal, instrument|instrument, destination|place, employer|company, opening time|time,
    appointment|time, weight|weight
    """
)
COLOURS = _pool(
    """
    amber, azure, black, bronze, crimson, emerald, gold, green, grey, indigo, ivory, lilac, orange, purple, red,
    silver, teal, white, yellow
    """
)
JOBS = _pool(
    """
    baker, blacksmith, carpenter, cartographer, clerk, cook, engineer, farmer, glazier, librarian, mason, miller,
    nurse, painter, pilot, sailor, tailor, teacher, weaver
    """
)
ANIMALS = _pool(
    """
    badger, cat, crow, dog, donkey, ferret, fox, goat, goose, hare, horse, lizard, otter, owl, parrot, pony, rabbit,
    tortoise
    """
)
INSTRUMENTS = _pool(
    """
    accordion, banjo, cello, clarinet, drum, fiddle, flute, guitar, harp, horn, lute, oboe, organ, piano, trumpet,
    viola
    """
)
MONTHS = _pool(
    """
    January, February, March, April, May, June, July, August, September, October, November, December
    """
)
KEY_WORDS = _pool(
    """
    apple, anchor, arrow, basket, beacon, bottle, branch, bucket, butter, button, candle, canyon, carpet, castle,
    cherry, circle, cloud, copper, corner, cotton, cradle, crystal, curtain, desert, dragon, engine, feather,
    fiddle, finger, forest, fossil, fountain, garlic, ginger, glacier, granite, hammer, hazel, helmet, hollow,
    honey, island, jacket, jungle, kettle, ladder, lantern, lemon, marble, meadow, mirror, monkey, mountain, needle,
    nettle, ocean, olive, orchid, oyster, paper, pebble, pepper, pillow, planet, pocket, pottery, prairie, puzzle,
    quarry, rabbit, raven, ribbon, river, rocket, saddle, salmon, shadow, shelter, silver, socket, spider, spring,
    stable, summer, sunset, temple, thunder, timber, tunnel, turtle, valley, velvet, violet, walnut, willow, winter,
    quiet, rapid, gentle, hidden, broken, golden, frozen, narrow, ancient, bright, clever, daring, eager, fancy,
    humble, jolly, lively, mighty, noble, proud, rusty, silent, tender, vivid, wicked, young, zealous, able, bitter,
    calm, distant, elegant, faint, grand
    """
)
