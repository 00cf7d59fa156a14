"""What stands in a sheet's cells where a formula failed: nothing that anyone means to render."""

from collections.abc import Mapping
from typing import Any

from pipeline.job.problems import InvalidError, shown

_WIDEST = 255  # characters of Excel's widest column, and what a number that does not fit shows

# Excel's, LibreOffice's and Google's, in the languages that translate them.
_WORDS = """\
    #NULL! #DIV/0! #VALUE! #REF! #NAME? #NUM! #N/A #SPILL! #CALC! #FIELD! #BLOCKED! #UNKNOWN!
    #CONNECT! #BUSY! #EXTERNAL! #PYTHON! #TIMEOUT! #ERROR! #GETTING_DATA
    #WERT! #BEZUG! #ZAHL! #NV #ÜBERLAUF! #KALK! #FELD!
    #VALEUR! #NOM? #NOMBRE! #NUL! #PROPAGATION! #CALCUL! #CHAMP!
    #¡NULO! #¡DIV/0! #¡VALOR! #¡REF! #¿NOMBRE? #¡NUM! #¡DESBORDAMIENTO! #¡CALC!
    #NULLO! #VALORE! #RIF! #NOME? #N/D #NULO! #VALOR! #NÚM!
    #WAARDE! #VERW! #NAAM? #GETAL! #LEEG! #DEEL/0! #N/B #OVERLOOP!
    #ARG! #ADR! #NAZWA? #LICZBA! #ZERO! #N/D! #БЛОК! #ЗНАЧ! #ССЫЛКА! #ИМЯ? #ЧИСЛО! #ПУСТО! #Н/Д
"""  # noqa: RUF001 - Cyrillic is meant
ERRORS = frozenset(
    [
        *_WORDS.split(),
        *(f"Err:{number}" for number in range(500, 541)),
        *("#" * width for width in range(3, _WIDEST + 1)),
    ]
)


def refuse_errors(row: Mapping[str, Any]) -> None:
    """Refuse a row in which a formula has failed.

    Raises:
        InvalidError: naming the first column that holds an error.
    """
    for name, value in row.items():
        if isinstance(value, str) and value in ERRORS:
            raise InvalidError(
                f"{shown(name)} contains a spreadsheet error, {shown(value)}",
                "fix its formula, or leave the cell empty",
            )
