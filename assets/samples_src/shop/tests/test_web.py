from shop.app import application


def get(path):
    seen = []
    body = b"".join(application({"PATH_INFO": path}, lambda status, headers: seen.append(status)))
    return seen[0], body.decode()


def test_pages_answer():
    assert "70.21 €" in get("/p/L1")[1]
    assert get("/nowhere")[0] == "404 Not Found"
    assert "to free shipping" in get("/cart")[1]
