from strangler.config.model import Gateway, Tls
from strangler.rollout.restart import advice, changed, changed_in_text

TEXT = "version: 1\ngateway:\n  listen: :80\n  limits: {body: 1MiB}\ndefault: legacy\n"


def test_addresses_and_tls_need_a_restart():
    after = Gateway(listen=":80", admin="127.0.0.1:1", tls=Tls("c", "k"))
    assert changed(Gateway(), after) == ("gateway.listen", "gateway.admin", "gateway.tls")
    assert changed(after, Gateway(":80", "127.0.0.1:1", Tls("other", "k"))) == ()


def test_texts_are_compared_with_the_defaults_filled_in():
    assert changed_in_text(TEXT, TEXT.replace("1MiB", "2MiB")) == ()
    assert changed_in_text(TEXT, "version: 2\ngateway: {listen: ':80'}\n") == ()
    assert changed_in_text(TEXT, "version: 2\n") == ("gateway.listen",)
    tls = TEXT.replace("limits:", "tls: {certificate: c, key: k}\n  limits:")
    assert changed_in_text(TEXT, tls) == ("gateway.tls",)


def test_the_advice_names_the_setting():
    assert advice(("gateway.tls",)) == (
        "`gateway.tls` takes effect when a gateway is started again",
    )
