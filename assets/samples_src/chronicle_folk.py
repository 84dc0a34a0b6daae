"""What single people did, suffered, found and left behind. Each function tells one event."""

from __future__ import annotations

from assets.samples_src.chronicle_names import COINS, FAR, GOODS, INVENTIONS, TREASURES
from assets.samples_src.chronicle_world import Sentence, World


def wedding(w: World) -> list[Sentence]:
    first, second = w.someone("", 17, woman=True), w.someone("", 17, woman=False)
    first.married = second.married = True
    sum_, coin = w.number(4, 160), w.draw("coin", COINS)
    gift = w.pick(
        "[a feather bed|a milk cow|six spoons|a share in the ferry|a field of beans|a loom|an unbroken colt|a "
        "walnut chest|a boat without oars|a beehive each]"
    )
    return [
        w.tell(
            "{a} and {b} were married at {town}, with a portion of {sum} {coin} and {gift}.",
            "What portion did the marriage of {a_plain} and {b_plain} bring?", f"{sum_} {coin} and {gift}",
            a=first.titled, b=second.titled, town=first.town, sum=sum_, coin=coin, gift=gift,
            a_plain=first.name, b_plain=second.name,
        ),
        w.tell(
            "[It snowed on the guests, and it was June|The priest had lost his voice and nodded at the proper "
            "places|They had been promised since their cradles, and met that morning|Both families counted the "
            "spoons afterwards|The feast lasted until the wine of three houses was gone|She was a head taller, "
            "and he stood on the step|The banns had been called nine times, since somebody always coughed].",
        ),
    ]  # fmt: skip


def death(w: World) -> list[Sentence]:
    person = max((w.someone("", 38) for _ in range(3)), key=lambda one: w.year - one.born)
    heir = w.someone(person.town)
    age = w.year - person.born
    thing = w.pick(
        "[a house with a fig tree|three looms|a debt and a good name|the mill at the bend|a cow called Patience|a "
        "box that was not to be opened|eleven acres by the river|all the tools of the trade|a fishing right|a coat "
        "of otter skin|the third part of a barge|a recipe for ink]"
    )
    w.bury(person)
    found = [
        w.tell(
            "{person} died at the age of {age} and left {thing} to {heir}.",
            "What did {plain} leave to {heir}?",
            thing,
            person=person.titled,
            age=age,
            thing=thing,
            heir=heir.name,
            plain=person.name,
        )
    ]
    if person.deeds:
        found.append(w.tell("This was the one who {deed}.", deed=person.deeds[-1]))
    found.append(
        w.tell(
            "[The last words were about the weather|Four villages came to the burying, and a dog|There was nobody "
            "left who could say a bad thing, or nobody who would|The grave is by the yew, and has sunk|For a week "
            "the shutters of the street stayed closed|The tomb was paid for in life, so the carving smiles|It was "
            "raining, and the grave-diggers sang to keep warm].",
        )
    )  # fmt: skip
    return found


def journey(w: World) -> list[Sentence]:
    person = w.someone()
    thing = w.draw_new("treasure", TREASURES, "")
    if thing is None:
        return wager(w)
    place, years = w.draw("far", FAR), w.number(2, 16)
    person.deeds.append(f"brought home {thing} from {place}")
    return [
        w.tell(
            "After {years} years {person} came back from {place} and brought {thing}.",
            "What did {plain} bring back from {place}?", thing,
            years=years, person=person.titled, place=place, thing=thing, plain=person.name,
        ),
        w.tell(
            "{They} [had gone out for a vow|had been sent to buy {good} and had been forgotten|had fled from a "
            "marriage|had followed a friar who preached about the sea|had only meant to see the next valley], and "
            "[had been sold twice and ransomed once|had learned four languages and would speak none of them|had a "
            "scar, and three explanations for it|could no longer abide boiled mutton|was taken for a ghost by "
            "{their} own mother].",
            They=person.they, their=person.their, good=w.draw("good", GOODS),
        ),
        w.tell(
            "[It is shown on feast days|Children are allowed to touch it once|The abbot looked at it for a long "
            "time and said nothing|Somebody offered a farm for it|It was worth less than the journey, as people "
            "did not fail to say|It broke within the year, but the pieces are kept].",
        ),
    ]  # fmt: skip


def foundling(w: World) -> list[Sentence]:
    town = w.town()
    finder = w.someone(town)
    child = w.newcomer(town, 1)
    place = w.pick(
        "[in a basket of eels|on the steps of the weigh house|in the lap of the stone saint|among the lambs|under "
        "an upturned boat|in the toll chest|on the altar, asleep|at the top of the stair of the tower]"
    )
    child.trade = w.draw("trade", ("ferryman", "scrivener", "bell-founder", "glazier", "goldsmith", "mason"))
    child.deeds.append(f"was found as a child {place}")
    return [
        w.tell(
            "A child was found at {town} {place}, and {finder} brought it up and named it {child}.",
            "Where was the child {child} found?",
            place, town=town, place=place, finder=finder.titled, child=child.name,
        ),
        w.tell(
            "[It had with it half of a coin|It did not cry, then or later|A strip of fine linen was round its "
            "wrist, with a letter sewn on|It smelled of the sea|Three women came to claim it, and none could say "
            "the colour of its eyes|The parish disputed for a month who should pay for the milk].",
        ),
    ]  # fmt: skip


def invention(w: World) -> list[Sentence]:
    thing = w.draw_new("invention", INVENTIONS, "")
    if thing is None:
        return treasure(w)
    maker, doubter = w.two()
    maker.deeds.append(f"devised {thing}")
    return [
        w.tell(
            "{maker} devised {thing}.", "Who devised {thing}?", maker.name, maker=maker.titled, thing=thing,
        ),
        w.tell(
            "{doubter} [swore that it would never work, and stood too near|wanted it burnt|bought the second "
            "one|asked what had been wrong with the old way|had thought of it first, by {their} own account], but "
            "[before the year was out there were {n} of them|the warden granted ten years without tax|it was "
            "copied at {town} and made worse|the neighbours were glad of it in the hungry spring].",
            doubter=doubter.titled, their=doubter.their, n=w.number(3, 40), town=w.town(),
        ),
    ]  # fmt: skip


def hermit(w: World) -> list[Sentence]:
    town, hermit_ = w.town(), w.someone("", 30)
    place = w.pick(
        "[a cave above the weir|the stump of the old bridge|a hut of turf|the dry well|a platform in an oak|an "
        "abandoned kiln|the tower of a church without a roof]"
    )
    winters = w.number(3, 33)
    return [
        w.tell(
            "{who} left everything and went to live in {place} near {town}, and stayed there for {winters} winters.",
            "Where did {plain} go to live as a hermit?", place,
            who=hermit_.titled, place=place, town=town, winters=winters, plain=hermit_.name,
        ),
        w.tell(
            "[People came for advice about marriage and were told about cabbages|Warts went, it is certain; of "
            "the blind it is less certain|Bread was left on a stone, and in return there were wooden spoons|The "
            "bishop sent a man to inquire, and the man did not come back, being content|Whoever climbed up to "
            "mock had to be helped down|A robin lived in the beard, or so children were told].",
        ),
    ]  # fmt: skip


def letter(w: World) -> list[Sentence]:
    writer, reader = w.two()
    place, good = w.draw("far", FAR), w.draw("good", GOODS)
    price, ship = w.number(3, 70), w.number(2, 30)
    found = [
        w.tell(
            "A letter came from {place}, which {writer} had written to {reader}.",
            "From where did {w_plain} write to {r_plain}?", place,
            place=place, writer=writer.titled, reader=reader.name, w_plain=writer.name, r_plain=reader.name,
        ),
        w.tell(
            "\"[Do not sell the {good} yet|Send no more {good}|Buy all the {good} that you can hide],\" it said, "
            "\"[for here they give {price} shillings a load|since {ship} ships lie in the roads and none may "
            "land|because the queen has taken a fancy to it|or my creditors will have it first]. [I have seen a "
            "beast with its nose on the ground and a tower on its back|The bread is white, and the people are "
            "sad|They sleep at noon here, like cats|There is a clock with a dead man in it that strikes the "
            "hours|Nobody believes me that we have snow]. [Kiss the children|Feed the old horse|Let the lane be "
            "mended before I come|Tell nobody that I asked|Keep my place by the stove].\"",
            good=good, price=price, ship=ship,
        ),
    ]  # fmt: skip
    dead = w.remembered()
    if dead is not None:
        found.append(
            w.tell(
                "And it asked whether it was true that {dead}, who {deed}, [lay under a plain stone|was already "
                "forgotten|had been in debt|was seen walking].", dead=dead.name, deed=dead.deeds[0],
            )
        )  # fmt: skip
    return found


def treasure(w: World) -> list[Sentence]:
    town, finder = w.town(), w.someone()
    sum_, coin = w.number(12, 800), w.draw("coin", COINS)
    place = w.pick(
        "[in a hedge bank|under a hearth that was being moved|in a crock, while ploughing|inside a bedpost|behind "
        "a loose brick of the brewhouse|in the thatch of a pulled-down cottage|at the root of a fallen beech]"
    )
    return [
        w.tell(
            "{finder} found {sum} {coin} {place} at {town}.", "How much money did {plain} find at {town}?",
            f"{sum_} {coin}",
            finder=finder.titled, sum=sum_, coin=coin, place=place, town=town, plain=finder.name,
        ),
        w.tell(
            "[A third went to the king, a third to the church, and of the last third there was talk|It was spent "
            "by Michaelmas, and the spender was happier before and after|The money was old and bore a bearded "
            "face|Half the valley began to dig, and the roads were not safe to walk|A cousin appeared, and then "
            "eleven cousins|With it the lane was paved from the oven to the river].",
        ),
    ]  # fmt: skip


def feud(w: World) -> list[Sentence]:
    first, second = w.two()
    cause = w.pick(
        "[a word spoken at a christening|a ladder not returned|the colour of a door|a dog called by the other's "
        "name|a cheese that was said to be hollow|a verse on a tavern wall|an empty chair at a funeral|a short "
        "measure of nails]"
    )
    years = w.number(2, 30)
    return [
        w.tell(
            "Between the houses of {a} and {b} there was enmity for {years} years, and the cause was {cause}.",
            "What was the cause of the enmity between {a_plain} and {b_plain}?", cause,
            a=first.name, b=second.name, years=years, cause=cause, a_plain=first.name, b_plain=second.name,
        ),
        w.tell(
            "[Hedges were cut down at night|A dung cart was upset where it should not have been|Their children "
            "met in secret to fish|Each paid a man to spread rumours, and it was the same man|Every morning one "
            "wall was a stone higher|The ducks of one house were found dyed blue], and [it ended with a fever "
            "that struck both|the priest refused both of them the peace|they were reconciled over a drowning "
            "horse|in the end nobody could explain it to the young].",
        ),
    ]  # fmt: skip


def wager(w: World) -> list[Sentence]:
    first, second = w.two()
    deed = w.pick("[carry a calf up the tower|say nothing from Candlemas to Easter|walk to {far} and back between "
                  "two bells|hold the ferry against the current until noon|eat a basket of crab apples|teach a "
                  "crow the paternoster|stand on one leg through the sermon]", far=w.town())  # fmt: skip
    stake = w.pick(
        "[a pig|a year's firewood|the right to the first wool|a beard|a silver button|a day's ploughing|the better "
        "cloak]"
    )
    return [
        w.tell(
            "{a} wagered with {b} that {they} could {deed}, and the stake was {stake}.",
            "What was the stake of the wager between {a_plain} and {b_plain}?", stake,
            a=first.titled, b=second.titled, they=first.they, deed=deed, stake=stake, a_plain=first.name,
            b_plain=second.name,
        ),
        w.tell(
            "[It was won, but the doctor had the profit|It was lost by the width of a hand|The judges fell "
            "asleep|Both claimed to have won, and the stake is still being argued over|It succeeded, and was then "
            "forbidden by the moot|The whole market stood by, and nothing was sold that day].",
        ),
    ]  # fmt: skip


def remembrance(w: World) -> list[Sentence]:
    dead = w.remembered()
    if dead is None:
        return wedding(w)
    child, town = w.someone(dead.town), w.town()
    return [
        w.tell(
            "[In this year people spoke again of|An old song was heard again about|The moot was reminded of|A "
            "mass was sung for] {dead}, who {deed}.", dead=dead.name, deed=w.rng.choice(dead.deeds),
        ),
        w.tell(
            "{child} [claimed to be of the same blood|had a stone set up|could show the very tools|said that it "
            "had all been quite otherwise|paid for the candles], and [those who had been there were too old to be "
            "asked|the young of {town} did not believe a word of it|it was agreed that such people were no longer "
            "born|somebody wept, which surprised everyone].", child=child.titled, town=town,
        ),
    ]  # fmt: skip
