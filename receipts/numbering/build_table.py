"""Builds the table that tells a mobile number's home province and network; needed by makers only.

The source is Google's libphonenumber data in the ``phonenumbers`` package (Apache 2.0). Importing
its geography costs most of a second and about 100 MB, so the service carries this table instead.
"""

import json
import lzma
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from receipts.model.vocabulary import Network
from receipts.numbering.plan import FIRST_PREFIX, MAGIC, PREFIXES, TABLE

# ISO 3166-2:CN codes of the mainland, with the two ways the source begins a place in that
# province. Chinese names are matched by their beginning: 广西, 内蒙古 and others carry no 省.
_PROVINCES = (
    ("CN-BJ", "北京", "Beijing"),
    ("CN-TJ", "天津", "Tianjin"),
    ("CN-HE", "河北", "Hebei"),
    ("CN-SX", "山西", "Shanxi"),
    ("CN-NM", "内蒙古", "Inner Mongolia"),
    ("CN-LN", "辽宁", "Liaoning"),
    ("CN-JL", "吉林", "Jilin"),
    ("CN-HL", "黑龙江", "Heilongjiang"),
    ("CN-SH", "上海", "Shanghai"),
    ("CN-JS", "江苏", "Jiangsu"),
    ("CN-ZJ", "浙江", "Zhejiang"),
    ("CN-AH", "安徽", "Anhui"),
    ("CN-FJ", "福建", "Fujian"),
    ("CN-JX", "江西", "Jiangxi"),
    ("CN-SD", "山东", "Shandong"),
    ("CN-HA", "河南", "Henan"),
    ("CN-HB", "湖北", "Hubei"),
    ("CN-HN", "湖南", "Hunan"),
    ("CN-GD", "广东", "Guangdong"),
    ("CN-GX", "广西", "Guangxi"),
    ("CN-HI", "海南", "Hainan"),
    ("CN-CQ", "重庆", "Chongqing"),
    ("CN-SC", "四川", "Sichuan"),
    ("CN-GZ", "贵州", "Guizhou"),
    ("CN-YN", "云南", "Yunnan"),
    ("CN-XZ", "西藏", "Tibet"),
    ("CN-SN", "陕西", "Shaanxi"),
    ("CN-GS", "甘肃", "Gansu"),
    ("CN-QH", "青海", "Qinghai"),
    ("CN-NX", "宁夏", "Ningxia"),
    ("CN-XJ", "新疆", "Xinjiang"),
)
# Unknown comes first: it is what a byte of the table says before the source says more.
_NETWORKS = tuple(sorted(Network, key=lambda network: network is not Network.UNKNOWN))
_CARRIERS = {
    "China Mobile": Network.CHINA_MOBILE,
    "China Unicom": Network.CHINA_UNICOM,
    "China Telecom": Network.CHINA_TELECOM,
}
# Ranges of resellers, who sell on another network: their customers are not China Mobile's even
# where the source names China Mobile as the network (MIIT's numbering, domain notes section 1).
_RESELLERS = ("1703", "1705", "1706", "165", "162", "167", "171")


def build(path: Path = TABLE) -> int:
    """Write the table to ``path``; its size in bytes."""
    # Imported here: nothing that only starts the product may pay for it.
    import phonenumbers  # noqa: PLC0415
    from phonenumbers.carrierdata import CARRIER_DATA  # noqa: PLC0415
    from phonenumbers.geodata import GEOCODE_DATA  # noqa: PLC0415

    header = {
        "data": f"phonenumbers {phonenumbers.__version__}",
        "provinces": [code for code, _, _ in _PROVINCES],
        "networks": [network.value for network in _NETWORKS],
    }
    provinces, networks = _spread(GEOCODE_DATA, _province), _spread(CARRIER_DATA, _network)
    for reseller in _RESELLERS:
        networks[_reach(reseller)] = bytes([_NETWORKS.index(Network.OTHER)]) * _width(reseller)
    table = bytes(p << 3 | n for p, n in zip(provinces, networks, strict=True))
    packed = lzma.compress(table, preset=9 | lzma.PRESET_EXTREME)
    path.write_bytes(MAGIC + json.dumps(header).encode() + b"\n" + packed)
    return path.stat().st_size


def _spread(
    data: Mapping[str, Mapping[str, str]], index: Callable[[Mapping[str, str]], int]
) -> bytearray:
    """One byte a prefix: what the source says of the longest part of it that it knows."""
    spread = bytearray(PREFIXES)
    numbers = (key.removeprefix("86") for key in data if key.startswith("861"))
    for number in sorted(numbers, key=len):
        if _reach(number).start >= 0:
            spread[_reach(number)] = bytes([index(data["86" + number])]) * _width(number)
    return spread


def _width(number: str) -> int:
    """How many seven-digit prefixes begin with these digits."""
    width: int = 10 ** (7 - len(number))
    return width


def _reach(number: str) -> slice:
    """Where the seven-digit prefixes that begin with these digits stand in the table."""
    start = int(number) * _width(number) - FIRST_PREFIX
    return slice(start, start + _width(number))


def _province(names: Mapping[str, str]) -> int:
    for index, (_, chinese, english) in enumerate(_PROVINCES, start=1):
        if names.get("zh", "").startswith(chinese):
            return index
        if "zh" not in names and names.get("en", "").endswith(english):
            return index
    return 0


def _network(carrier: Mapping[str, str]) -> int:
    return _NETWORKS.index(_CARRIERS.get(carrier["en"], Network.OTHER))


if __name__ == "__main__":
    sys.stdout.write(f"{TABLE}: {build()} bytes\n")
