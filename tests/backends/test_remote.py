"""longdoc/backends/remote.py against a server in this process: the protocol, and everything that can go wrong."""

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standin import settings_in

from longdoc.backends.remote import RemoteBackend, estimate_tokens, is_address
from longdoc.engine import Engine
from longdoc.errors import PromptTooLong, RemoteError, Stopped

MESSAGES = [{"role": "user", "content": "the lease\nQuestion: who?"}]
MODELS = {"data": [{"id": "small", "max_model_len": 4096}, {"id": "large", "max_model_len": 65536}]}


def piece(text="", reason=None, **more) -> bytes:
    event = {"choices": [{"delta": {"content": text} if text else {}, "finish_reason": reason}], **more}
    return f"data: {json.dumps(event)}\n\n".encode()


STREAM = {"content-type": "text/event-stream"}
DONE = b"data: [DONE]\n\n"
ANSWER = [piece("Mara "), piece("Quist"), piece("", "stop"), DONE]


class Server:
    """Answers with `models` and `chat`, each (status, headers, list of byte pieces); keeps what it was asked."""

    def __init__(self):
        self.models = (200, {}, [json.dumps(MODELS).encode()])
        self.chat = (200, STREAM, ANSWER)
        self.props = (404, {}, [b"{}"])
        self.asked: list[dict] = []
        self.headers: list[dict] = []
        self.gap = threading.Event()  # a piece that is this event is waited for
        self.left = threading.Event()  # set when a client goes before the end
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, status, headers, pieces):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    for data in pieces:
                        if isinstance(data, threading.Event):
                            while not data.wait(0.02):
                                self.wfile.write(b": still here\n\n")
                                self.wfile.flush()
                        else:
                            self.wfile.write(data)
                            self.wfile.flush()
                    return
                server.left.set()

            def do_GET(self):
                server.headers.append(dict(self.headers))
                self.answer(*(server.props if self.path.endswith("/props") else server.models))

            def do_POST(self):
                server.headers.append(dict(self.headers))
                server.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.answer(*server.chat)

            def log_message(self, *args):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def close(self):
        self.gap.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def ask(server_url, tmp_path, *, stop=None, on_progress=lambda p: None, max_new_tokens=50, **fields):
    backend = RemoteBackend(server_url, settings_in(tmp_path, **fields))
    return backend.generate(
        MESSAGES, max_new_tokens=max_new_tokens, stop=stop or threading.Event(), on_progress=on_progress
    )


def test_an_answer_comes_as_it_is_written(server, tmp_path):
    seen = []
    found = ask(server.url, tmp_path, on_progress=seen.append)
    assert (found.text, found.stop_reason) == ("Mara Quist", "end")
    assert [p.text for p in seen] == ["Mara ", "Mara Quist"]
    assert 0 < found.usage.first_token_s <= found.usage.total_s
    body = server.asked[0]
    assert (body["messages"], body["model"], body["max_tokens"], body["temperature"], body["stream"]) == (
        MESSAGES, "small", 50, 0.0, True,
    )  # fmt: skip


def test_the_engine_answers_with_a_server_like_with_any_model(server, tmp_path):
    with Engine(settings_in(tmp_path)) as engine:
        model = f"{server.url}#large"
        assert engine.generate_remote(model, MESSAGES).text == "Mara Quist"
        assert server.asked[0]["model"] == "large"
        plan = engine.plan(model, 1000)
        assert (plan.window, plan.zone) == (65536, "native")
        assert engine.plan(model, 70_000).zone == "over"


def test_the_servers_own_counts_are_reported(server, tmp_path):
    usage = {"prompt_tokens": 900, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 800}}
    server.chat = (*server.chat[:2], [piece("a"), piece("", "length"), piece(usage=usage, **{"choices": []}), DONE])
    found = ask(server.url, tmp_path)
    assert (found.usage.prompt_tokens, found.usage.cached_tokens, found.usage.output_tokens) == (900, 800, 7)
    assert found.stop_reason == "length"


def test_a_server_without_end_marks_that_closes_after_its_reason_is_understood(server, tmp_path):
    server.chat = (*server.chat[:2], [b": hello\n\nevent: x\n", piece("yes"), piece("", "stop")])
    assert ask(server.url, tmp_path).text == "yes"


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ({"id": "a", "max_model_len": 1234}, 1234),
        ({"id": "a", "context_length": 1234}, 1234),
        ({"id": "a", "meta": {"n_ctx": 1234, "n_ctx_train": 99}}, 1234),
    ],
)
def test_the_window_is_asked(server, tmp_path, model, window):
    server.models = (200, {}, [json.dumps({"data": [model]}).encode()])
    assert RemoteBackend(server.url, settings_in(tmp_path)).info.window == window


def test_llama_cpp_tells_its_window_elsewhere(server, tmp_path):
    server.models = (200, {}, [b'{"data": [{"id": "gguf", "meta": {"n_ctx_train": 999}}]}'])
    server.props = (200, {}, [b'{"default_generation_settings": {"n_ctx": 8192}}'])
    assert RemoteBackend(server.url, settings_in(tmp_path)).info.window == 8192


def test_a_window_that_is_given_counts_and_without_any_the_error_says_how_to_give_one(server, tmp_path):
    server.models = (200, {}, [b'{"data": [{"id": "a"}]}'])
    assert RemoteBackend(server.url, settings_in(tmp_path, remote_window=777)).info.window == 777
    with pytest.raises(RemoteError, match="LONGDOC_REMOTE_WINDOW") as error:
        _ = RemoteBackend(server.url, settings_in(tmp_path)).info
    assert error.value.code == "window_unknown"


def test_a_server_that_names_no_model_is_asked_without_one(server, tmp_path):
    server.models = (200, {}, [b'{"data": []}'])
    ask(server.url, tmp_path, remote_window=777)
    assert "model" not in server.asked[0]


def test_the_key_goes_to_the_server_and_is_shown_nowhere(server, tmp_path):
    settings = settings_in(tmp_path, remote_api_key="s3cret")
    RemoteBackend(server.url, settings).generate(
        MESSAGES, max_new_tokens=5, stop=threading.Event(), on_progress=lambda p: None
    )
    assert {headers["authorization"] for headers in server.headers} == {"Bearer s3cret"}
    assert "s3cret" not in repr(settings)
    ask(server.url, tmp_path)
    assert "authorization" not in server.headers[-1]


def status(code, body, kind="application/json"):
    return (code, {"content-type": kind}, [body if isinstance(body, bytes) else json.dumps(body).encode()])


VLLM = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens in the messages."


LLAMA_CPP = {"error": {"type": "exceed_context_size_error", "message": "too large", "n_prompt_tokens": 70, "n_ctx": 50}}


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (status(401, {"error": {"message": "Invalid key"}}), "refused", "LONGDOC_REMOTE_API_KEY"),
        (status(403, b""), "refused", "LONGDOC_REMOTE_API_KEY"),
        (status(404, {"error": {"message": "The model `x` does not exist."}}), "not_found", "does not exist"),
        (status(404, b"<html>nothing</html>", "text/html"), "not_found", "does not know"),
        (status(429, {"detail": "slow down"}), "server", "busy: slow down"),
        (status(500, b"\xff\xfe"), "server", "error 500"),
        (status(400, {"error": "bad temperature"}), "server", "bad temperature"),
        (status(400, {"error": {"message": "x" * 5000}}), "server", "…"),
        (status(200, b"<html>a web page</html>", "text/html"), "protocol", "text/html"),
        ((302, {"location": "http://elsewhere.invalid/"}, []), "refused", "not followed"),
        ((200, STREAM, [b"data: {nonsense\n\n"]), "protocol", "OpenAI protocol"),
        ((200, STREAM, [b'data: [1, 2]\n\n']), "protocol", "OpenAI protocol"),
        ((200, STREAM, [piece(3)]), "protocol", "OpenAI protocol"),
        ((200, STREAM, [b'data: {"error": {"message": "GPU\\nlost"}}\n\n']), "server", "GPU lost"),
        ((200, STREAM, [piece("half of it")]), "broken", "after 10 characters"),
        ((200, STREAM, []), "broken", "after 0 characters"),
        ((200, STREAM, [b"data: " + b"x" * 1_100_000 + b"\n\n"]), "protocol", "too long"),
        ((200, {"content-type": "text/event-stream", "content-length": "9999"}, [piece("half")]), "broken", "broke"),
    ],
)  # fmt: skip
def test_every_failure_is_one_clear_sentence(server, tmp_path, answer, code, words):
    server.chat = answer
    with pytest.raises(RemoteError) as error:
        ask(server.url, tmp_path)
    assert error.value.code == code
    assert words in str(error.value)
    assert len(str(error.value)) < 600
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("answer", "over"),
    [
        (status(400, {"error": {"message": VLLM}}), 904),
        (status(400, {"object": "error", "message": VLLM}), 904),
        (status(400, LLAMA_CPP), 20),
        (status(413, {"error": {"message": "prompt is too long"}}), 0),
    ],
)  # fmt: skip
def test_a_prompt_over_the_servers_window_is_said_to_be_that(server, tmp_path, answer, over):
    server.chat = answer
    with pytest.raises(PromptTooLong) as error:
        ask(server.url, tmp_path)
    assert error.value.over_tokens == over


@pytest.mark.parametrize("models", [status(200, b"hello"), status(200, b"[]"), status(200, {"data": 3})])
def test_something_else_than_a_list_of_models_is_said_to_be_that(server, tmp_path, models):
    server.models = models
    with pytest.raises(RemoteError, match="list of models") as error:
        _ = RemoteBackend(server.url, settings_in(tmp_path)).info
    assert error.value.code == "protocol"


def test_a_server_that_is_not_there_is_said_to_be_unreachable(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(RemoteError, match="cannot be reached") as error:
        ask(f"http://127.0.0.1:{port}/v1#m", tmp_path)
    assert error.value.code == "unreachable"


def test_a_server_that_says_nothing_times_out(tmp_path):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(RemoteError, match="silent") as error:
            ask(f"http://127.0.0.1:{mute.getsockname()[1]}/v1#m", tmp_path, remote_timeout_s=0.2)
    assert error.value.code == "timeout"


def test_something_that_speaks_no_http_is_a_broken_connection(tmp_path):
    with socket.socket() as odd:
        odd.bind(("127.0.0.1", 0))
        odd.listen()

        def babble():
            connection, _ = odd.accept()
            connection.recv(65536)
            connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")
            connection.close()

        threading.Thread(target=babble, daemon=True).start()
        with pytest.raises(RemoteError) as error:
            ask(f"http://127.0.0.1:{odd.getsockname()[1]}/v1#m", tmp_path)
    assert error.value.code in ("broken", "protocol")


@pytest.mark.parametrize(
    "address",
    [
        "http://",
        "http:///v1",
        "http://a b/v1",
        "http://user:password@host/v1",
        "http://host:99999/v1",
        "http://[::1/v1",
        "http://h/v1?x=1",
    ],
)
def test_an_address_that_is_none_is_refused_without_a_request(tmp_path, address):
    with pytest.raises(RemoteError) as error:
        RemoteBackend(address, settings_in(tmp_path))
    assert error.value.code == "bad_address"
    assert "http://host:port/v1" in str(error.value)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://h:1", "http://h:1/v1"),
        ("http://h:1/", "http://h:1/v1"),
        ("http://h:1/v1/", "http://h:1/v1"),
        ("https://h/api/v1/chat/completions#m", "https://h/api/v1"),
    ],
)
def test_common_ways_to_write_an_address_are_understood(tmp_path, address, url):
    assert is_address(address)
    assert RemoteBackend(address, settings_in(tmp_path)).url == url


def test_stop_while_answering_returns_what_came_and_hangs_up(server, tmp_path):
    server.chat = (*server.chat[:2], [piece("so far"), server.gap, piece(" no more"), DONE])
    stop = threading.Event()
    found = ask(server.url, tmp_path, stop=stop, on_progress=lambda p: stop.set())
    assert (found.text, found.stop_reason) == ("so far", "stopped")
    assert server.left.wait(60)


def test_stop_before_the_first_word_is_stop(server, tmp_path):
    stop = threading.Event()

    def silent():
        stop.set()  # the request has arrived
        yield server.gap

    server.chat = (*server.chat[:2], silent())
    with pytest.raises(Stopped):
        ask(server.url, tmp_path, stop=stop)
    assert server.left.wait(60)


def test_a_server_on_this_machine_is_not_reached_through_a_proxy(server, tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert ask(server.url, tmp_path).text == "Mara Quist"


def test_an_error_of_the_caller_ends_the_request(server, tmp_path):
    with pytest.raises(ZeroDivisionError):
        ask(server.url, tmp_path, on_progress=lambda progress: 1 / 0)


def test_estimates_are_rather_too_large():
    assert estimate_tokens("") == 0
    assert estimate_tokens("The tenant shall pay the rent on the third day.") > 12
    assert estimate_tokens("契約") == 2
