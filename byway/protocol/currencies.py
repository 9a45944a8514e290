"""Amounts of money as people write them: `800000.00` of USD is 80,000,000 minor units."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from byway.protocol.decimals import count_units, parse_units

_ISO_4217: Final = (  # list one
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF "
    "CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA "
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD "
    "RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX "
    "USD UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
CURRENCIES: Final = frozenset(_ISO_4217.split())  # what tells an amount of money from a quantity

_USUAL_DIGITS: Final = 2
_DIGITS: Final = {  # ISO 4217, list one: the currencies whose minor unit is not a hundredth
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
    "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
    "CLF": 4, "UYW": 4,
}  # fmt: skip


def minor_digits(currency: str) -> int:
    """How many digits after the point the minor unit of a currency has."""
    return _DIGITS.get(currency, _USUAL_DIGITS)


def parse_amount(text: str, currency: str) -> int:
    """Minor units of an amount such as `800000` or `800000.00`.  Raises `StatementError` (`bad-facet`)."""
    return parse_units(text, minor_digits(currency))


def to_minor(amount: Decimal, currency: str) -> int:
    """Minor units of an amount.  Raises `StatementError` (`bad-facet`) if it has more digits than the currency."""
    return count_units(amount, minor_digits(currency))


def format_amount(minor: int, currency: str, *, separator: str = "") -> str:
    """`800000.00` for 80,000,000 minor units of USD; `separator` goes between the thousands."""
    digits = minor_digits(currency)
    whole, part = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    point = f".{part:0{digits}}" if digits else ""
    return sign + f"{whole:,}".replace(",", separator) + point
