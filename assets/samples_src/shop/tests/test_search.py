from shop.catalog.search import search
from shop.catalog.slug import slug


def test_words_are_found_by_their_beginning():
    assert [p.sku for p in search("la sto")] == ["L1"]
    assert search("lamp oil") == []
    assert slug("Æbler & Öl, 5 l") == "bler-ol-5-l"
