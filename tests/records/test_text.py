"""The encoding of a text that says none: a usual one before rare ones, and what else it may be."""

from __future__ import annotations

import pytest

from empkit.records.employee import RecordError
from empkit.records.text import in_utf8
from tests.records.test_exports import read


def detected(words, encoding):
    text, found, note = in_utf8(("id,name\n" + ",".join(words)).encode(encoding))
    return text.decode().split("\n")[1].split(","), found, note


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (["Zo\xeb", "\u0152uvr\xe9", "52000 \u20ac", "\u0160imon"], "iso8859-15"),
        (["\u0141ukasz", "\u0179d\u017ab\u0142o", "Ksi\u0119gowo\u015b\u0107"], "iso8859-2"),
        (["Ji\u0159\xed", "Dvo\u0159\xe1k", "\u0160t\u011brba"], "iso8859-2"),
        (["\u0141ukasz", "\u0179d\u017ab\u0142o", "Ksi\u0119gowo\u015b\u0107"], "cp1250"),
        (
            [
                "\u0411\u0443\u0445\u0433\u0430\u043b\u0442\u0435\u0440",
                "\u041f\u0435\u0442\u0440\u043e\u0432",
                "\u0418\u0432\u0430\u043d",
            ],
            "koi8-r",
        ),
    ],
)
def test_a_usual_encoding_is_found_before_a_rare_one_of_the_same_letters(words, encoding):
    text, found, _ = detected(words, encoding)
    assert (text, found) == (words, encoding)


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        (["Ji\u0159\xed"], "cp1250"),
        (["Wi\u015bniewski"], "cp1250"),
        (["\u0150rsi"], "cp1250"),
        (["\u05db\u05d4\u05df", "\u05d3\u05d5\u05d3"], "cp1255"),
        (["\u0418\u0432\u0430\u043d"], "cp1251"),
        (["\u4f1f", "\u738b", "\u82b3", "\u674e"], "gb18030"),
        (["\u0141uk"], "iso8859-2"),
    ],
)
def test_few_words_say_that_the_encoding_is_not_certain_and_what_it_may_be(words, encoding):
    text, found, note = detected(words, encoding)
    assert (text, found) == (words, encoding) or f"({words[0]}" in note
    assert "not certain" in note


def test_words_that_are_the_same_in_all_encodings_are_certain():
    assert "not certain" not in detected(["J\xf6rg", "M\xfcller"], "cp1252")[2]


def test_what_is_not_certain_is_said_with_the_option():
    (note,) = read("id;first;last\n1;Ji\u0159\xed;b\n", "cp1250").notes
    assert "not certain, it may be cp1250 (Ji\u0159\xed)" in note
    assert "--encoding" in note


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_zero_bytes_tell_which_encoding_to_say(encoding):
    with pytest.raises(RecordError, match=f"--encoding, which looks like {encoding}"):
        read("employee_id,first_name,last_name\n1,a,b\n", encoding)
