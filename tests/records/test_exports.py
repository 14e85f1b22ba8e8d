"""Files as programs of several countries export them: read as a person would, and what was done is
said."""

from __future__ import annotations

import io

import pytest

from empkit.records.employee import RecordError
from empkit.records.files import read_records


def read(text, written_in="utf-8", **options):
    data = text if isinstance(text, bytes) else text.encode(written_in)
    return read_records(io.BytesIO(data), **options)


def employee(number, first, last, **more):
    return {"employee_id": number, "first_name": first, "last_name": last, **more}


EXPORTS = {
    "a German payroll": (
        "Personalnummer;Name, Vorname;Eintrittsdatum;Gehalt\r\n"
        "00017;M\u00fcller, J\u00f6rg;01.04.2019;52.000,00\r\n",
        "cp1252",
        employee("00017", "J\u00f6rg", "M\u00fcller", salary=52_000.0, hire_date="2019-04-01"),
    ),
    "German, with currency codes": (
        "Pers.Nr.\tNachname\tVorname\tEintritt\tJahresgehalt\n"
        "0001\tWei\xdf\tUwe\t31.12.2010\t1.052.000,00 EUR\n",
        "cp1252",
        employee("0001", "Uwe", "Wei\xdf", salary=1_052_000.0, hire_date="2010-12-31"),
    ),
    "German, the last name is called name": (
        "Personal-Nr.;Name;Vorname\n1;Huber;Max\n", "utf-8", employee("1", "Max", "Huber"),
    ),
    "French": (
        "N\xb0 salari\xe9;Nom;Pr\xe9nom;Date d\u2019embauche;Salaire brut annuel\n"
        "12;LE GALL;\xc9lo\xefse;25/12/2019;41 250,50 \u20ac\n",
        "cp1252",
        employee("12", "\xc9lo\xefse", "LE GALL", salary=41_250.5, hire_date="2019-12-25"),
    ),
    "Spanish, below a title": (
        "N\xf3mina;;;;\n;;;;\nN\xba empleado;Apellidos;Nombre;Fecha de alta;Salario bruto\n"
        "7;Garc\xeda L\xf3pez;Mar\xeda;28/02/2020;32.500,00\n",
        "cp1252",
        employee("7", "Mar\xeda", "Garc\xeda L\xf3pez", salary=32_500.0, hire_date="2020-02-28"),
    ),
    "Portuguese": (
        "Matr\xedcula;Nome completo;Cargo;Data de admiss\xe3o;Sal\xe1rio\n"
        "77;Ana Souza;Analista;13/05/2019;R$ 5.200,00\n",
        "cp1252",
        employee("77", "Ana", "Souza", position="Analista", salary=5_200.0,
                 hire_date="2019-05-13"),
    ),
    "Portuguese, one column with the name": (
        "Matr\xedcula,Nome\n77,Ana Souza\n", "utf-8", employee("77", "Ana", "Souza"),
    ),
    "Italian": (
        "Matricola;Cognome;Nome;Data assunzione\n1;Rossi;Mario;23/03/2017\n",
        "utf-8",
        employee("1", "Mario", "Rossi", hire_date="2017-03-23"),
    ),
    "Swiss": (
        "Pers-Nr;Vorname;Nachname;Lohn\n1;Urs;Frei;CHF 85\u2019000.00\n",
        "utf-8",
        employee("1", "Urs", "Frei", salary=85_000.0),
    ),
    "American": (
        "Employee ID,Legal First Name,Legal Last Name,Business Title,Hire Date,Total Base Pay\n"
        '21001,Nia,Orr,Analyst,3/14/2019,"$85,000.00"\n',
        "utf-8",
        employee("21001", "Nia", "Orr", position="Analyst", salary=85_000.0,
                 hire_date="2019-03-14"),
    ),
    "American, last name first": (
        'Employee #,"Last name, First name",Annual Salary\n1,"Orr, Nia",85000\n',
        "utf-8",
        employee("1", "Nia", "Orr", salary=85_000.0),
    ),
    "American, names of the employee": (
        "Employee Number,Employee First Name,Employee Last Name,Employee Email\n1,Nia,Orr,n@x\n",
        "utf-8",
        employee("1", "Nia", "Orr", email="n@x"),
    ),
    "British, with a title that is no position": (
        "Staff No,Title,Forename,Surname,Salary\n1,Ms,Nia,Orr,\xa385 000\n",
        "cp1252",
        employee("1", "Nia", "Orr", salary=85_000.0, Title="Ms"),
    ),
    "Indian, in lakhs": (
        'Emp Code,Employee Name,DOJ,Salary\nE1,Asha Rao,14-03-2019,"12,50,000"\n',
        "utf-8",
        employee("E1", "Asha", "Rao", salary=1_250_000.0, hire_date="2019-03-14"),
    ),
    "Japanese, in UTF-16": (
        "employee_id\tlast_name\tfirst_name\thire_date\n1\t\u7530\u4e2d\t\u592a\u90ce\t2019/3/14\n",
        "utf-16",
        employee("1", "\u592a\u90ce", "\u7530\u4e2d", hire_date="2019-03-14"),
    ),
    "Japanese, in Shift JIS": (
        "id,last_name,first_name\n1,\u7530\u4e2d,\u592a\u90ce\n2,\u4f50\u85e4,\u82b1\u5b50\n"
        "3,\u9234\u6728,\u4e00\u90ce\n",
        "shift_jis",
        employee("1", "\u592a\u90ce", "\u7530\u4e2d"),
    ),
    "Russian": (
        "id;last_name;first_name\n1;\u0418\u0432\u0430\u043d\u043e\u0432;\u041f\u0451\u0442\u0440\n"
        "2;\u0421\u043c\u0438\u0440\u043d\u043e\u0432\u0430;\u0410\u043d\u043d\u0430\n",
        "cp1251",
        employee("1", "\u041f\u0451\u0442\u0440", "\u0418\u0432\u0430\u043d\u043e\u0432"),
    ),
    "Polish": (
        "id;first_name;last_name\n1;\u0141ukasz;Wi\u015bniewski\n2;Pawe\u0142;D\u0105browski\n",
        "cp1250",
        employee("1", "\u0141ukasz", "Wi\u015bniewski"),
    ),
    "Turkish": (
        "id;first_name;last_name\n1;Ay\u015fe;Y\u0131lmaz\n2;\xc7a\u011fr\u0131;\xd6zt\xfcrk\n",
        "cp1254",
        employee("1", "Ay\u015fe", "Y\u0131lmaz"),
    ),
    "one umlaut is enough": ("id;first;last\n1;J\xf6rg;Frei\n", "cp1252",
                             employee("1", "J\xf6rg", "Frei")),
    "of DOS": ("id;first;last\n1;J\xf6rg;M\xfcller\n", "cp850",
               employee("1", "J\xf6rg", "M\xfcller")),
    "of an old Mac": ("id,first,last\r1,Zo\xeb,M\xfcller\r", "mac_roman",
                      employee("1", "Zo\xeb", "M\xfcller")),
    "line ends of two kinds": ("id,first,last\r\n1,Nia,Orr\r2,Bo,Lund\r\n", "utf-8",
                               employee("1", "Nia", "Orr")),
    "dates with months, of days or compact": (
        "id,first,last,hire date\n1,Nia,Orr,31-Dec-2021\n2,a,b,20211231\n3,a,b,\"May 4, 2021\"\n",
        "utf-8",
        employee("1", "Nia", "Orr", hire_date="2021-12-31"),
    ),
    "in single quotes": (
        "'id','first','last'\n'1','Nia, Ann','O''Hara'\n", "utf-8",
        employee("1", "Nia, Ann", "O'Hara"),
    ),
    "numbers as formulas": ('id,first,last\n="0017",Nia,Orr\n', "utf-8",
                            employee("0017", "Nia", "Orr")),
    "of Workday": (
        "Employee ID,Legal Name - First Name,Legal Name - Last Name,Total Base Pay - Amount\n"
        "1,Nia,Orr,85000\n", "utf-8", employee("1", "Nia", "Orr", salary=85_000.0),
    ),
    "Spanish, with two last names": (
        "id,nombre,apellido paterno,apellido materno\n1,Nia,Orr,Lund\n", "utf-8",
        employee("1", "Nia", "Orr", **{"apellido materno": "Lund"}),
    ),
    "years of service": (
        "ID,First Name,Last Name,Service\n1,Nia,Orr,5.2\n", "utf-8",
        employee("1", "Nia", "Orr", Service="5.2"),
    ),
    "a French service": (
        "Matricule;Nom;Pr\xe9nom;Service\n1;Orr;Nia;Paie\n", "cp1252",
        employee("1", "Nia", "Orr", department="Paie"),
    ),
    "of a directory": (
        "uid,givenName,sn,mail,employeeNumber\nn,Nia,Orr,n@x,0042\n", "utf-8",
        employee("0042", "Nia", "Orr", email="n@x", uid="n"),
    ),
    "a serial number is no last name": (
        "SN,Emp ID,Employee Name\n1,E7,Nia Orr\n", "utf-8", employee("E7", "Nia", "Orr", SN="1"),
    ),
    "of SAP, with pay and entry": (
        "|PersNo. |First name|Last name|PAY RATE|Entry date|\n"
        "|00001001|Nia       |Orr      |52.000,00 |15.03.2021|\n", "utf-8",
        employee("00001001", "Nia", "Orr", salary=52_000.0, hire_date="2021-03-15", column_1=""),
    ),
    "German, of a payroll office": (
        "Personalnr;Vorname;Nachname;Bruttolohn;Eintritt am\n1;Nia;Orr;5,5;01.03.2021\n",
        "utf-8",
        employee("1", "Nia", "Orr", salary=5.5, hire_date="2021-03-01"),
    ),
    "each line in quotes": (
        '"id,first,last"\n"1,Nia,Orr"\n"2,""Bo"",Lund"\n', "utf-8", employee("1", "Nia", "Orr"),
    ),
    "names in brackets": (
        "Employee ID,Name (First),Name (Last)\n1,Mary Ann,Lee\n", "utf-8",
        employee("1", "Mary Ann", "Lee"),
    ),
    "the order in brackets": (
        "Employee ID,Name (Last First)\n1,Lee Ann\n", "utf-8", employee("1", "Ann", "Lee"),
    ),
    "of SQL Server": (
        "[Employee ID],[First Name],[Last Name]\n1,Nia,Orr\n", "utf-8", employee("1", "Nia", "Orr"),
    ),
    "of DAX": (
        "Staff[Employee ID],Staff[First Name],Staff[Last Name],Staff[Salary]\n1,Nia,Orr,5\n",
        "utf-8", employee("1", "Nia", "Orr", salary=5.0),
    ),
    "decorated, without blanks": (
        "Employee_ID,Legal_First_Name,EmployeeLastName\u00b2,Annual_Salary_USD\n1,Nia,Orr,5\n",
        "utf-8", employee("1", "Nia", "Orr", salary=5.0),
    ),
    "German, with a hyphen": (
        "Personalnr;Vor- und Nachname\n1;Nia Orr\n", "utf-8", employee("1", "Nia", "Orr"),
    ),
    "a title in brackets": (
        "[CONFIDENTIAL] staff 2024\nid,first,last\n1,Nia,Orr\n", "utf-8",
        employee("1", "Nia", "Orr"),
    ),
    "a title in braces": (
        "{Export 2024}\nid;first;last\n1;Nia;Orr\n", "utf-8", employee("1", "Nia", "Orr"),
    ),
    "many blank lines above": (
        "Staff\n" + "\n" * 150 + "id,first,last\n1,Nia,Orr\n", "utf-8", employee("1", "Nia", "Orr"),
    ),
    "many comments above": (
        "# a comment\n" * 30 + "id,first,last\n1,Nia,Orr\n", "utf-8", employee("1", "Nia", "Orr"),
    ),
    "a heading twice, of no field": (
        "id,first,last,Since,Until,Since\n1,Nia,Orr,a,b,c\n", "utf-8",
        employee("1", "Nia", "Orr", Since="a", Until="b", Since_6="c"),
    ),
    "dates with a zone": (
        '[{"id": "1", "first": "Nia", "last": "Orr", "hireDate": "2020-01-02-08:00"}]', "utf-8",
        employee("1", "Nia", "Orr", hire_date="2020-01-02"),
    ),
    "of an API": (
        '{"d": {"results": [{"userId": "1", "firstName": "Nia", "lastName": "Orr"}]}}',
        "utf-8",
        employee("1", "Nia", "Orr"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "encoding", "first"), EXPORTS.values(), ids=EXPORTS)
def test_an_export_is_read_as_a_person_would(text, encoding, first):
    found = read(text, encoding)
    assert found.records[0] == first
    assert found.unreadable == found.dropped == []
    if encoding not in ("utf-8", "utf-16"):
        assert "Its encoding was detected as" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("10001;Georgi;Facello\n", {}, "--column employee_id=1 --column first_name=2"),
        ("Kennung;Rufname;Zuname\n1;a;b\n", {}, "--column first_name=HEADING"),
        ("employee_id^first_name^last_name\n1^Nia^Orr\n", {}, "--delimiter"),
        ("\ufeffid,first,last\n1,a,b\n", {"encoding": "cp1252"}, "leave out --encoding"),
        ("id,first,last\n1,a,b\n", {"encoding": "utf-16"}, "Read in utf-16, which --enc"),
        ("id,first,last\n1,a,b\n", {"columns": {"salary": "Pey"}}, "no column 'Pey'"),
        ("id,first,last,Pay\n1,a,b,\n", {"columns": {"salary": "Pey"}}, "did you mean 'Pay'"),
        ('{"id": 1, "first": "a"}', {"columns": {"last_name": "lst"}}, "no column 'lst'"),
        ("<html><body>Log in</body></html>", {}, "a page in HTML"),
        ("title\n" * 25 + "id,first,last\n1,a,b\n", {}, "looked for in the first 20 lines"),
        ("id,first,last,email,email\n1,a,b,x,y\n", {}, "--column email=5"),
        ("-- MySQL dump 10.13\n--\nCREATE TABLE staff (\n", {}, "a dump in SQL"),
        ("INSERT INTO staff (id, first, last) VALUES (1,'a','b');\n", {}, "a dump in SQL"),
        ("COPY public.staff (id, first, last) FROM stdin;\n1\ta\tb\n", {}, "a dump in SQL"),
    ],
)
def test_a_refusal_names_what_would_help(text, options, words):
    with pytest.raises(RecordError) as caught:
        read(text, **options)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("T1;Nia;Orr\n", {"columns": {"employee_id": "1", "first_name": "2", "last_name": "3"}}),
        ("Nia Orr,T1\n", {"columns": {"employee_id": "2", "full_name": "1"}}),
        ("Kennung;Rufname;Zuname\nT1;Nia;Orr\n",
         {"columns": {"employee_id": "1", "first_name": "2", "last_name": "3"}}),
        ("Kennung;Vorname;Nachname\nT1;Nia;Orr\n", {"columns": {"employee_id": "Kennung"}}),
        ("Kennung;Vorname;Nachname\nT1;Nia;Orr\n", {"columns": {"employee_id": "1"}}),
        ("KENNUNG:;Vorname;Nachname\nT1;Nia;Orr\n", {"columns": {"employee_id": "kennung"}}),
        ("employee_id^first_name^last_name\nT1^Nia^Orr\n", {"delimiter": "^"}),
        ("employee_id\tfirst_name\tlast_name\nT1\tNia\tOrr\n", {"delimiter": "tab"}),
        ("employee_id,first_name,last_name\nT1,Nia,Orr\n".encode("utf-16-le"),
         {"encoding": "utf-16-le"}),
    ],
)  # fmt: skip
def test_what_the_user_says_goes_before_what_is_detected(text, options):
    found = read(text, **options)
    assert found.records == [employee("T1", "Nia", "Orr")]
    assert found.unreadable == found.dropped == []
    given = {**options, "delimiter": "\t"} if "tab" in options.values() else options
    assert found.reading.given() == given


def test_a_column_that_the_user_chose_leaves_the_detected_one_under_another_name():
    text = "employee_id,badge,first_name,last_name\n1,T1,Nia,Orr\n"
    found = read(text, columns={"employee_id": "badge"})
    assert found.records == [employee("T1", "Nia", "Orr") | {"column_employee_id": "1"}]


def test_rows_that_were_sorted_above_the_headings_are_reported():
    found = read("1,Ana,Ruiz\n2,Bo,Lund\nemployee_id,first_name,last_name\n")
    assert [row.line for row in found.unreadable] == [1, 2]
    assert "above the headings, which are in line 3" in found.unreadable[0].reason


def test_headings_again_and_comments_are_no_rows_and_are_said():
    head = "employee_id,first_name,last_name"
    found = read(f"Personalnummer,Vorname,Nachname\n{head}\n1,Ana,Ruiz\n# more\n2,Bo,Lund\n")
    assert [record["employee_id"] for record in found.records] == ["1", "2"]
    assert found.unreadable == []
    assert found.notes == ["Skipped: the headings again in line 2.", "Skipped: comments in line 4."]


def test_two_exports_put_together_have_no_employee_called_like_the_heading():
    mark = "\ufeff"
    text = f"{mark}id,first,last\r\n1,Nia,Orr\r\n{mark}id,first,last\r\n2,Bo,Lund\r\n"
    assert [record["employee_id"] for record in read(text).records] == ["1", "2"]
    line = '{"id": 1, "first": "Nia", "last": "Orr"}\n'
    assert len(read(f"{mark}{line}{mark}{line}").records) == 2


@pytest.mark.parametrize("row", ["# NOTE: gone,see HR,soon", "# x,y,z", "#REF!,Nia,Orr"])
def test_a_comment_with_as_many_cells_as_a_row_is_no_employee(row):
    found = read(f"id,first,last\n#1,Nia,Orr\n{row}\n#E3,Bo,Lund\n")
    assert [record["employee_id"] for record in found.records] == ["#1", "#E3"]
    assert "a comment, or an error of a spreadsheet" in found.unreadable[0].reason


def test_headings_that_are_not_known_below_a_table_are_no_employee():
    found = read("id,first,last\n1,Nia,Orr\n\ndept_id,dept_name,manager\n10,HR,1\n")
    assert len(found.records) == 1
    assert [row.line for row in found.unreadable] == [4, 5]


@pytest.mark.parametrize("text", ["NULL", "null", "NaN", "N/A", "-"])
def test_a_text_that_stands_for_no_value_is_no_id(text):
    found = read(f"id,first,last\n{text},Nia,Orr\nNA,Null,None\n")
    assert found.records == [employee("NA", "Null", "None")]
    assert "Missing employee_id" in found.unreadable[0].reason


def test_a_column_of_a_heading_that_is_there_twice_is_chosen_by_its_number():
    found = read("id,first,last,email,email\n1,Nia,Orr,x,y\n", columns={"email": "5"})
    assert found.records[0]["email"] == "y"


def test_a_date_that_can_mean_one_day_only_is_read_beside_the_form_that_the_user_says():
    dates = ["04/05/2021", "2020-12-31", "31-12-2020", "20201231", "01-02-2020"]
    text = "".join(f"{n},Nia,Orr,{date}\n" for n, date in enumerate(dates))
    found = read(f"id,first,last,hire_date\n{text}", date_format="%d/%m/%Y")
    assert [record.get("hire_date") for record in found.records] == [
        "2021-05-04", "2020-12-31", "2020-12-31", "2020-12-31", None,
    ]  # fmt: skip
    assert found.dropped[0].value == "01-02-2020"


def test_headings_of_another_table_are_no_employee():
    found = read("id,first,last\n1,a,b\n\nid,dept,boss\n")
    assert [record["employee_id"] for record in found.records] == ["1"]
    assert [row.line for row in found.unreadable] == [4]
    assert "another table may begin here" in found.unreadable[0].reason


def test_a_letter_in_another_encoding_names_the_option():
    found = read(b'{"id": 1, "first": "\xc1", "last": "b"}')
    assert "--encoding" in found.unreadable[0].reason


@pytest.mark.parametrize(
    ("whole", "first", "last"),
    [
        ("Nia Orr, PhD", "Nia", "Orr"),
        ("Nia Orr, M.D., MBA", "Nia", "Orr"),
        ("Orr, Nia, Dr.", "Nia", "Orr"),
        ("Nia Orr Jr.", "Nia", "Orr Jr."),
        ("Nia Orr, III", "Nia", "Orr III"),
        ("Orr Jr., Nia", "Nia", "Orr Jr."),
        ("Orr, Nia Sr", "Nia", "Orr Sr"),
        ("Yo-Yo Ma", "Yo-Yo", "Ma"),
        ("Ma, Yo-Yo", "Yo-Yo", "Ma"),
    ],
)
def test_a_title_behind_a_name_is_no_first_name(whole, first, last):
    found = read(f'id;full_name\n1;"{whole}"\n')
    assert found.records == [employee("1", first, last)]
    assert repr(whole) in found.notes[0]


def test_a_title_alone_is_no_name():
    (row,) = read('id;full_name\n1;"Orr, PhD"\n').unreadable
    assert "'Orr, PhD' in the column 'full_name' is not two names" in row.reason


def test_what_other_programs_mean_otherwise_is_kept_and_said():
    (note,) = read("id,first,last\n'0002,Nia,Orr\n").notes
    assert '"\'0002" in line 2' in note
    (note,) = read("id\tfirst\tlast\n1\tNia\\tAnn\tOrr\n").notes
    assert "backslash" in note
    assert "in line 2" in note
    assert read("id,first,last\n1,C:\\temp,O'Hara\n2,'a','b'\n").notes == []


@pytest.mark.parametrize("number", ["0", "9", "-1"])
def test_a_number_that_no_column_has_is_told_from_which_they_count(number):
    columns = {"employee_id": number, "first_name": "2", "last_name": "3"}
    with pytest.raises(RecordError, match=r"the numbers of columns are 1 to 3"):
        read("101,Nia,Orr\n102,Bo,Lund\n", columns=columns)


def test_a_long_cell_is_read_and_a_quote_behind_a_backslash_is_named():
    long = "x" * 200_000
    found = read(f'id,first,last,note\n1,Nia,Orr,{long}\n2,Bo,Lund,"a \\"b\\", c"\n')
    assert found.records == [employee("1", "Nia", "Orr", note=long)]
    assert 'written twice, "", and not as \\"' in found.unreadable[0].reason
