"""The unit codes that homes, food, journeys and goods are measured in, out of UN/CEFACT Recommendation 20.

The recommendation has over a thousand.  A code that is not here is sent as it was written; it is only worth a question
to the person who wrote it.
"""

from __future__ import annotations

from typing import Final

_COUNTED: Final = "C62 DZN EA GRO H87 NAR NMP NPR PR P1 SET"
_MASS: Final = "CGM DTN GRM KGM LBR LTN MGM ONZ STI STN TNE"
_LENGTH: Final = "CMT DMT FOT INH KMT MMT MTR NMI SMI YRD"
_AREA: Final = "ACR CMK DMK FTK HAR INK KMK MTK YDK"
_VOLUME: Final = "BUA BUI CLT CMQ DLT DMQ FTQ GLI GLL HLT INQ LTR MLT MTQ OZA OZI PTI PTL QTI QTL YDQ"
_TIME: Final = "ANN DAY HUR MIN MON SEC WEE"
_OTHER: Final = "AMP BAR BTU CEL FAH HTZ JOU KEL KMH HM KJO KVA KWH KWT MAW MWH PAL VLT WTT"

UNIT_CODES: Final = frozenset(f"{_COUNTED} {_MASS} {_LENGTH} {_AREA} {_VOLUME} {_TIME} {_OTHER}".split())
