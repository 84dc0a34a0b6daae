"""What weather, water, fire, sickness and beasts did in the valley. Each function tells one event."""

from __future__ import annotations

from assets.samples_src.chronicle_names import COINS, FERRIES, GOODS, RIVERS
from assets.samples_src.chronicle_world import Sentence, World


def harvest(w: World) -> list[Sentence]:
    town, other = w.town(), w.town()
    pence = w.number(4, 31)
    mood = "[thin|poor|wretched|blighted]" if pence > 18 else "[fair|good|heavy|early]"
    found = [
        w.tell(
            f"The harvest was {mood}, and a bushel of wheat was sold at {{town}} for {{pence}} pence.",
            "What did a bushel of wheat cost at {town} in {year}?", f"{pence} pence",
            town=town, pence=pence, year=w.year,
        ),
        w.tell(
            "[It had rained from Saint Swithin's day until the apples fell|No rain had come between Easter and "
            "the hay|The frost had taken the blossom in a single night|A warm wind had blown all through "
            "April|Rooks had sat in the young corn like soot|The ears had stood so thick that a hat thrown on "
            "them did not sink|Hail had beaten the upper fields flat, and spared the lower ones|The barley had "
            "ripened before the oats, which nobody remembered].",
        ),
    ]  # fmt: skip
    if pence > 18:
        found.append(
            w.tell(
                "[The poor of|Widows in|The cottagers of|The children of] {other} [ground acorns among the "
                "meal|ate nettles and snails until Lent|went to the gate of the granary each morning with empty "
                "bags|boiled straw and called it broth|sold their doors for firewood and slept behind sacks].",
                other=other,
            )
        )  # fmt: skip
    else:
        found.append(
            w.tell(
                "[At|In|About] {other} [there were not barns enough, and sheaves were stacked in the church|the "
                "gleaners danced home on the wagon|a loaf grew so large that two men quarrelled over who should "
                "carry it|the tithe was paid twice over by mistake and never asked back|geese grew too fat to be "
                "driven to the fair].",
                other=other,
            )
        )  # fmt: skip
    return found


def flood(w: World) -> list[Sentence]:
    river, town = w.draw("river", RIVERS), w.town()
    feet, lost = w.number(4, 17), w.number(3, 40)
    month = w.pick("[January|February|March|April|October|November|December]")
    helper = w.someone(town)
    helper.deeds.append(f"rang the bell of {town} in the flood of {w.year}")
    return [
        w.tell(
            "In {month} {river} rose {feet} feet at {town} and [carried off|drowned|swept away|took with it] {lost} "
            "[sheep|hives|carts of timber|lengths of hedge|barrels from the quay].",
            "How many feet did the water rise at {town} in {month} {year}?", f"{feet} feet",
            month=month, river=river, feet=feet, town=town, lost=lost, year=w.year,
        ),
        w.tell(
            "{helper} [stood to the waist in the tower and rang the bell until {their} hands bled|rowed a "
            "kneading trough from window to window|tied the children of the lane together with a clothes "
            "line|opened the sluice alone, though three had been ordered to do it|saw it first and ran the whole "
            "length of the causeway, shouting].",
            helper=helper.titled, their=helper.their,
        ),
        w.tell(
            "[A cradle was found in an elm, and in the cradle a cat|When the water fell there were eels in the "
            "font|The mud lay so deep that a cow had to be dug out by her horns|A mark was cut in the door post "
            "of the inn, where it may be seen|For a month all bread tasted of the river|The dead of the low "
            "churchyard had to be buried a second time|A pike was taken out of the warden's bed, and he kept the "
            "bones].",
        ),
    ]  # fmt: skip


def fire(w: World) -> list[Sentence]:
    town, person = w.town(), w.someone()
    houses = w.number(5, 64)
    place = w.pick(
        "[a bakehouse|a malt kiln|the shop of a chandler|a stable where lads were dicing|the loft of the inn|a "
        "smithy|a hayrick by the north gate|the dyers' row|a barn full of flax]"
    )
    return [
        w.tell(
            "Fire broke out at {town} in {place} and burned {houses} houses [before the wind turned|in one "
            "night|between vespers and dawn|while most people were at the fair].",
            "Where did the fire of {year} at {town} break out?", place,
            town=town, place=place, houses=houses, year=w.year,
        ),
        w.tell(
            "{person} [is said to have saved|carried out|threw from a window, and so saved,|went back three times "
            "for] [the register of births|a blind man and his dog|the pattern books of the weavers|a painted "
            "saint with no hands|the only good ladder|a pot of leaven older than the town's charter].",
            person=person.titled,
        ),
        w.tell(
            "[Since then thatch is forbidden inside the walls|The warden ordered that every house keep a barrel "
            "and a hook|Nobody was punished, for everyone had seen a different beginning|They built again in "
            "stone as far as the money went, which was to the height of a man's knee|Molten lead ran down the "
            "gutters and was gathered by boys the next day|It smouldered under the ash for nine days, and people "
            "came to warm their hands].",
        ),
    ]  # fmt: skip


def sickness(w: World) -> list[Sentence]:
    town = w.town()
    healer = w.someone(town)
    dead = w.number(11, 190)
    name = w.pick(
        "[the sweating sickness|the red cough|the shaking fever|the bloody flux|a fever with spots|the winter "
        "ague|a sickness of the throat|the dancing plague|a blindness that came with headache]"
    )
    remedy = w.pick(
        "[willow bark in ale|smoke of juniper|vinegar on hot bricks|barley water and sleep|a broth of leeks|the "
        "washing of hands in lye|elder flowers steeped in whey|keeping the windows open]"
    )
    healer.deeds.append(f"went among the sick of {town} in {w.year}")
    return [
        w.tell(
            "{name} came [up the river with the barges|from the south with the wool buyers|nobody knew "
            "whence|after the wet spring], and at {town} it killed {dead} people.",
            "How many people died of sickness at {town} in {year}?", f"{dead} people",
            name=name, town=town, dead=dead, year=w.year,
        ),
        w.tell(
            "{healer} treated the sick with {remedy}, and [of those so treated more lived than died|would take no "
            "money for it|was believed only when it was nearly over|wrote down who lived and who did not, which "
            "nobody had done before].", "With what did {plain} treat the sick of {town}?", remedy,
            healer=healer.titled, remedy=remedy, plain=healer.name, town=town,
        ),
        w.tell(
            "[The gates were shut for six weeks, and bread was passed through on a plank|The bell was tied so "
            "that it should not frighten those who were left|A pit was dug in the mead and is called the Quiet "
            "Acre|The dogs were blamed and killed, then the Flemings were blamed and fled|Old Thomas the sexton "
            "dug his own grave last, lay down in it to measure, and got well|The moot was held in the open with a "
            "rope between the speakers].",
        ),
    ]  # fmt: skip


def sky(w: World) -> list[Sentence]:
    town, seer = w.town(), w.someone()
    sign = w.pick(
        "[a star with a tail|three suns in a row|a ring around the moon as red as copper|a darkness at noon|a rain "
        "of small frogs|a cross of light over the ford|a ball of fire that hissed|a rainbow by night|an army of "
        "clouds marching north]"
    )
    nights = w.number(2, 41)
    return [
        w.tell(
            "In this year {sign} was seen over {town}, [and again|and it was there] for {nights} "
            "[nights|days|evenings together].",
            "What was seen in the sky over {town} in {year}?", sign,
            sign=sign, town=town, nights=nights, year=w.year,
        ),
        w.tell(
            "{seer} said that it meant [the death of a king|cheap herring|war in the east|nothing at all, and was "
            "fined for it|that the mill dues were unjust|twins|a hard winter for beekeepers|that the calendar was "
            "wrong by nine days], [and people remembered it later|but by harvest all had forgotten|which the "
            "abbot forbade to be repeated|and was asked to dine on the strength of it].", seer=seer.titled,
        ),
    ]  # fmt: skip


def beasts(w: World) -> list[Sentence]:
    town, hunter = w.town(), w.someone()
    beast = w.pick(
        "[a white stag|a wolf with one ear|a bear from the high woods|a boar as long as a door|an eagle|a seal, "
        "far from any sea,|a badger that walked upright|a heron of uncommon size|an ox with six horns|a swarm like "
        "a thundercloud]"
    )
    weeks = w.number(3, 20)
    return [
        w.tell(
            "For {weeks} weeks {beast} [troubled|was seen about|haunted|kept company with the people of] {town}, "
            "[taking lambs and once a bonnet|doing no harm whatever|and children were kept indoors|and came each "
            "evening to the pound].",
            "What creature was seen about {town} in {year}?", beast.rstrip(","),
            weeks=weeks, beast=beast, town=town, year=w.year,
        ),
        w.tell(
            "{hunter} [followed it into the fen and came back without shoes|shot at it and killed the miller's "
            "mule|caught it in a fishing net and let it go on Good Friday|made a song of it that is still sung at "
            "shearings|spoke to it, or so {they} told the moot|painted it on the wall of the inn, with a kinder "
            "face].",
            hunter=hunter.titled, they=hunter.they,
        ),
    ]  # fmt: skip


def frost(w: World) -> list[Sentence]:
    river, town, bold = w.draw("river", RIVERS), w.town(), w.someone()
    weeks = w.number(3, 14)
    return [
        w.tell(
            "{river} froze at {town} for {weeks} weeks, [and a market was held on the ice|so that carts crossed "
            "where the ferry lay fast|and the mills stood, and flour was dear|and an ox was roasted in the middle "
            "of the stream].",
            "For how many weeks was the river frozen at {town} in {year}?", f"{weeks} weeks",
            river=river, town=town, weeks=weeks, year=w.year,
        ),
        w.tell(
            "[Ink froze in the pen, and this page was begun three times|Birds fell from the air and were sold by "
            "the dozen|A loaf had to be cut with an axe|The wine for the mass was carried under the sexton's "
            "shirt|Trees split with a noise like doors being slammed|Wolves came as far as the tannery and sat in "
            "the road].",
        ),
        w.tell(
            "{bold} [drove a flock of {n} geese across for a bet and lost none|skated from there to {far} with a "
            "letter in one day|fell through, came up at the next hole, and asked for {their} hat|built a chapel "
            "of snow in which a child was christened].", bold=bold.titled, n=w.number(12, 90),
            far=w.other_town(town), their=bold.their,
        ),
    ]  # fmt: skip


def ferry(w: World) -> list[Sentence]:
    town = w.town()
    name = w.draw_new("ferry", FERRIES, "")
    builder = w.someone(town)
    if name is None:
        return frost(w)
    carries = w.number(6, 30)
    builder.deeds.append(f"built the ferry called {name}")
    return [
        w.tell(
            "A new ferry, called {name}, was [launched|blessed|let down on rollers] at {town}; {builder} had "
            "built it, and it carried {carries} [horses|cattle|barrels|people and a cart].",
            "Who built the ferry called {name}?", builder.name,
            name=name, town=town, builder=builder.titled, carries=carries,
        ),
        w.tell(
            "The fare was set at [a farthing, and nothing for midwives|a penny for a pedlar and two for his "
            "pack|an egg, or a song if there was no egg|half of what the bridge would have asked, had there been "
            "a bridge|one herring in Lent], and [the oars were cut from {wood}|the chain came from {far}|the "
            "sail, which was never of use, was a gift of the weavers].",
            wood=w.pick("[ash|a lightning-struck oak|elm|the beams of the old gallows]"), far=w.other_town(town),
        ),
    ]  # fmt: skip


def digging(w: World) -> list[Sentence]:
    town, digger = w.town(), w.someone()
    fathoms, sum_ = w.number(7, 60), w.number(8, 90)
    coin = w.draw("coin", COINS)
    what = w.pick(
        "[a well|a slate pit|a cellar for the wine|a shaft after lead|the footings of a barn|a drain below the market]"
    )
    found = w.pick(
        "[a pavement of small coloured stones|a boat, whole, under peat|the antlers of a beast unknown|a spring of "
        "warm water|a row of jars sealed with wax|a sword that fell to rust in the hand|a stone with letters that "
        "nobody could read|a bed of oyster shells|a child's shoe of red leather]"
    )
    return [
        w.tell(
            "While digging {what} at {town}, {digger} came at {fathoms} feet upon {found}.",
            "What did {plain} come upon while digging at {town}?", found,
            what=what, town=town, digger=digger.titled, fathoms=fathoms, found=found, plain=digger.name,
        ),
        w.tell(
            "[The abbot offered|The warden offered|A stranger with rings offered|The guild of {good} merchants "
            "offered] {sum} {coin} for it, and [was refused|got it, to everybody's later regret|paid half|never "
            "paid].",
            good=w.draw("good", GOODS), sum=sum_, coin=coin,
        ),
    ]  # fmt: skip
