"""The figure of latencies: its title says what was found."""

from empkit import plots
from tests.made_up_runs import made_up, together


def test_the_title_names_the_fastest_only_where_it_is():
    clear = together(made_up("kafka"), made_up("http"))
    assert plots.latency(clear).get_suptitle().startswith("Kafka acks first")
    one = plots.latency(made_up("kafka")).get_suptitle()
    assert one.startswith("Kafka: acked p50 ")
    assert "; stored p50 " in one
    alike = together(made_up("websocket", seed=1), made_up("http", seed=2))
    assert "no difference that shows" in plots.latency(alike).get_suptitle()


def test_a_protocol_of_ones_own_has_a_name_and_a_colour_of_its_own():
    runs = together(made_up("http"), made_up("mine:A"), made_up("mine:B"))
    legend = plots.latency(runs).axes[0].get_legend()
    assert [text.get_text().partition(":")[0] for text in legend.get_texts()] == ["HTTP", "A", "B"]
    colours = {line.get_color() for line in legend.get_lines()}
    assert len(colours) == 3
