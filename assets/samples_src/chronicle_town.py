"""What the towns did: built, judged, chose, traded, quarrelled. Each function tells one event."""

from __future__ import annotations

from assets.samples_src.chronicle_names import (
    BELLS,
    BOOKS,
    BUILDINGS,
    COINS,
    GOODS,
    HIDING_PLACES,
    STOLEN,
)
from assets.samples_src.chronicle_world import Sentence, World


def building(w: World) -> list[Sentence]:
    town = w.town()
    name = w.draw_new("building", BUILDINGS, town)
    if name is None:
        return guild(w)
    maker = w.someone(town, 24)
    cost, years, coin = w.number(30, 900), w.number(2, 19), w.draw("coin", COINS)
    maker.deeds.append(f"finished the {name} of {town}")
    return [
        w.tell(
            "[In the spring|On the eve of All Saints|At midsummer|When the swallows came|Before the first frost] "
            "{maker} finished the {name} of {town}, [on which|at which|whereon] {they} had worked for {years} "
            "years.",
            "Who finished the {name} of {town}?", maker.name,
            maker=maker.titled, name=name, town=town, they=maker.they, years=years,
        ),
        w.tell(
            "The {name} of {town} had cost {cost} {coin}, [of which the half was begged|not counting the ale|and "
            "the last of it was paid in cheese|though {third} had been promised|and three wardens had grown grey "
            "over it].",
            "What did the {name} of {town} cost?", f"{cost} {coin}",
            name=name, town=town, cost=cost, coin=coin, third=cost // 3,
        ),
        w.tell(
            "[It leans a little to the west, as does the man who measured it|A mason's thumb is walled up in it, "
            "with the mason's leave|The first to enter was a dog, and so the blessing was said twice|Over the "
            "door is carved a snail, because of the time it took|Strangers admire it; those who paid for it do "
            "not look up|The stone came by sledge from the quarry at Undercliff, one block a day|A coin of each "
            "year of the building lies under the sill].",
        ),
    ]  # fmt: skip


def warden(w: World) -> list[Sentence]:
    town = w.town()
    old = w.wardens.get(town)
    new = w.someone(town, 30)
    votes = w.number(31, 240)
    w.wardens[town] = new
    new.deeds.append(f"was warden of {town} from {w.year}")
    before = f"in the place of {old.name}" if old and old is not new else "for want of anyone else"
    return [
        w.tell(
            "{town} chose {new} as its warden, {before}, by {votes} [beans|voices|tallies|hands].",
            "Who was chosen as warden of {town} in {year}?", new.name,
            town=town, new=new.titled, before=before, votes=votes, year=w.year,
        ),
        w.tell(
            "[The new warden's first order was that|It was promised at once that|The town was told within the "
            "week that] [pigs should wear rings|no fish might be sold after the second bell|every bachelor plant "
            "a willow|the weights be tried each quarter day|the drummer be paid and the trumpeter not|brides "
            "might pass the bridge without toll|lamps be hung at the steps by the river|the old quarrel with "
            "{other} be let sleep].", other=w.other_town(town),
        ),
    ]  # fmt: skip


def lawsuit(w: World) -> list[Sentence]:
    first, second = w.two()
    thing = w.pick(
        "[a strip of meadow|the fall of the mill stream|an oak on a boundary|the right to gather rushes|a bull|a "
        "pew|the shade of a walnut tree|a wall that dripped|the name of an inn|the use of a lane on Sundays|a "
        "dowry chest|the honey of a stray swarm]"
    )
    years = w.number(2, 23)
    judge = w.someone("", 40)
    return [
        w.tell(
            "{a} and {b} had been at law over {thing} for {years} years, and in this year {judge} gave judgment "
            "for {winner}.",
            "Who won the lawsuit between {a_plain} and {b_plain}?", first.name,
            a=first.titled, b=second.titled, thing=thing, years=years, judge=judge.name, winner=first.name,
            a_plain=first.name, b_plain=second.name,
        ),
        w.tell(
            "[The loser walked home barefoot and put on mourning|Both were then so poor that the thing was sold "
            "to pay the scribes|It is said that a ham decided the matter|The judge had gone to look for himself, "
            "by night, with a lantern|They have eaten at one table since, though in silence|Eleven witnesses had "
            "sworn, of whom four were dead|The costs would have bought it six times over].",
        ),
    ]  # fmt: skip


def guild(w: World) -> list[Sentence]:
    town, good = w.town(), w.draw("good", GOODS)
    founder, number = w.someone(town), w.number(7, 52)
    rule = w.pick(
        "[that no member work by candle|that a widow keep her husband's bench|that false measure be paid for in "
        "candles|that all dine together on the feast of the cold goose|that apprentices be taught to read|that "
        "nobody praise his own wares|that the box have three locks|that quarrels be settled before supper]"
    )
    return [
        w.tell(
            "The merchants of {good} at {town}, {number} in all, made themselves a guild, with {founder} as their "
            "first master.",
            "Who was the first master of the guild of {good} merchants at {town}?", founder.name,
            good=good, town=town, number=number, founder=founder.titled,
        ),
        w.tell(
            "Their first rule was {rule}, [and it was kept for a year|and they were laughed at for it|and other "
            "guilds took it over|which proved the hardest of all].", rule=rule,
        ),
    ]  # fmt: skip


def bell(w: World) -> list[Sentence]:
    town = w.town()
    name = w.draw_new("bell", BELLS, "")
    if name is None:
        return building(w)
    founder = w.someone()
    weight = w.number(6, 70)
    founder.deeds.append(f"cast the bell called {name}")
    return [
        w.tell(
            "{founder} cast a bell of {weight} hundredweight for {town}, and it was christened {name}.",
            "Who cast the bell called {name}?",
            founder.name, founder=founder.titled, weight=weight, town=town, name=name,
        ),
        w.tell(
            "[Women threw their rings into the metal|It cracked at the first casting, because a thief stood by|It "
            "was rung for the first time for a wedding, and the bride fainted|Its note is between that of a cow "
            "and that of an angel|On its rim stands: I call the living, mend the road|It hung for a year in an "
            "apple tree, since the tower was too weak|Milk does not sour where it is heard, or so the dairymen "
            "say].",
        ),
    ]  # fmt: skip


def theft(w: World) -> list[Sentence]:
    town = w.town()
    thing = w.draw_new("stolen", STOLEN, "")
    if thing is None:
        return lawsuit(w)
    place = w.draw("hiding", HIDING_PLACES)
    finder, thief = w.two()
    weeks = w.number(1, 30)
    return [
        w.tell(
            "Somebody stole {thing} at {town}, and after {weeks} weeks {finder} found it {place}.",
            "Where was what had been stolen at {town}, {thing}, found?", place,
            thing=thing, town=town, weeks=weeks, finder=finder.titled, place=place,
        ),
        w.tell(
            "{thief} [confessed without being asked|was seen to turn pale|had talked of it in sleep|was betrayed "
            "by a parrot of the innkeeper's|had left a glove], and was made to [stand at the cross with a bell "
            "round the neck|dig the town ditch for a summer|carry water for the widows, a year and a day|learn "
            "the ten commandments by heart, with the commentary|leave the valley by the north road].",
            thief=thief.titled,
        ),
    ]  # fmt: skip


def fair(w: World) -> list[Sentence]:
    town, winner = w.town(), w.someone()
    contest = w.pick(
        "[the wrestling|the race of the barrows|the ringing match|the climbing of the greased pole|the ploughing "
        "match|the telling of lies|the shearing|the throwing of the hay-bale|the rowing, four to a tub|the eating "
        "of dumplings]"
    )
    prize = w.pick(
        "[a ram with gilded horns|a pair of red hose|a barrel of plums|a silver whistle|a cheese of sixty "
        "pounds|an acre for a year|a kettle|a hat that nobody else might wear|two geese and a kiss]"
    )
    good, price = w.draw("good", GOODS), w.number(2, 40)
    return [
        w.tell(
            "At the fair of {town} {winner} won {contest}, and with it {prize}.",
            "Who won {contest} at the fair of {town} in {year}?", winner.name,
            town=town, winner=winner.titled, contest=contest, prize=prize, year=w.year,
        ),
        w.tell(
            "[Traders from the coast asked|A Lombard with two mules asked|The hill people asked|For the first "
            "time buyers paid] {price} shillings for [a load|a wagon|a boat's fill|a mule's burden] of {good}, "
            "[and got it|which was thought madness|before the rain came and spoiled everything|as much as in the "
            "three years before].",
            price=price, good=good,
        ),
        w.tell(
            "[A tooth-drawer worked to the sound of drums|There was a woman who swallowed fire, and complained of "
            "the bread|Two moots were held at once, in two tents, and gave contrary judgments|A learned pig told "
            "the hour, but only in the forenoon|Nineteen betrothals were made there, of which seven held|Somebody "
            "let the ferrets out|A friar preached against fairs and sold candles].",
        ),
    ]  # fmt: skip


def toll(w: World) -> list[Sentence]:
    town = w.town()
    other = w.other_town(town)
    years, sum_, coin = w.number(3, 40), w.number(10, 300), w.draw("coin", COINS)
    witness = w.someone()
    return [
        w.tell(
            "{town} and {other} [made peace|came to terms|swore friendship] about the tolls for {years} years, "
            "and {town} paid {sum} {coin} for it.",
            "For how many years did {town} and {other} agree about the tolls in {year}?", f"{years} years",
            town=town, other=other, years=years, sum=sum_, coin=coin, year=w.year,
        ),
        w.tell(
            "{witness} [held the candle while they sealed it|wrote it out twice on one skin and cut the skin in "
            "waves|was the only one who had read it through|carried one half home in a loaf], and [it is kept at "
            "{other} under the altar|a mouse has since eaten the date|both halves are lost, but the peace "
            "holds|the wax came from a single hive].",
            witness=witness.titled, other=other,
        ),
    ]  # fmt: skip


def book(w: World) -> list[Sentence]:
    town = w.town()
    name = w.draw_new("book", BOOKS, "")
    if name is None:
        return precedence(w)
    scribe = w.someone(town)
    leaves, winters = w.number(40, 400), w.number(2, 11)
    scribe.deeds.append(f"copied {name}")
    return [
        w.tell(
            "{scribe} finished copying {name}, on {leaves} leaves, after {winters} winters.",
            "Who copied {name}?", scribe.name, scribe=scribe.titled, name=name, leaves=leaves, winters=winters,
        ),
        w.tell(
            "It is [chained to the second desk|kept in a chest with the altar linen|lent to nobody who has not "
            "washed|read aloud at {town} on the longest night], and [in one margin a hare hunts a hound|the last "
            "page asks the reader to pray for a cold hand|the letter for the first chapter shows the town as it "
            "was|a drop of honey has glued two leaves together, and nobody dares to part them].", town=town,
        ),
    ]  # fmt: skip


def precedence(w: World) -> list[Sentence]:
    first, second = w.two()
    town = w.town()
    days = w.number(2, 60)
    return [
        w.tell(
            "{a} and {b} could not agree who should [walk first in the procession|sit nearer to the stove in the "
            "moot|carry the left pole of the canopy|be buried nearer to the porch|cut the first loaf|be prayed "
            "for first] at {town}, and for {days} days [neither would move|there was no procession at all|the "
            "town was split down the middle of the street].", a=first.titled, b=second.titled, town=town, days=days,
        ),
        w.tell(
            "[It was settled by a child who drew straws|A snowfall settled it|They died within an hour of each "
            "other, thirty years on, still unreconciled|The warden had two doors made|It ended when both were "
            "laughed at in a song|An uncle from {other} was asked, and chose himself].", other=w.other_town(town),
        ),
    ]  # fmt: skip
