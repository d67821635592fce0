"""Builds the shipped prefix table: home province and network by seven-digit prefix.

The source is Google's libphonenumber data in the ``phonenumbers`` package (Apache 2.0).
"""

import json
import lzma
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from receipts.model.vocabulary import Network
from receipts.numbering.plan import FIRST_PREFIX, MAGIC, PREFIXES, TABLE

# ISO 3166-2:CN codes of the mainland with the names in the source. A Chinese place name begins
# with its province (not always with 省, as in 广西), an English one ends with it.
_PROVINCES = (
    ("CN-BJ", "北京", "Beijing"), ("CN-TJ", "天津", "Tianjin"), ("CN-HE", "河北", "Hebei"),
    ("CN-SX", "山西", "Shanxi"), ("CN-NM", "内蒙古", "Inner Mongolia"),
    ("CN-LN", "辽宁", "Liaoning"), ("CN-JL", "吉林", "Jilin"), ("CN-HL", "黑龙江", "Heilongjiang"),
    ("CN-SH", "上海", "Shanghai"), ("CN-JS", "江苏", "Jiangsu"), ("CN-ZJ", "浙江", "Zhejiang"),
    ("CN-AH", "安徽", "Anhui"), ("CN-FJ", "福建", "Fujian"), ("CN-JX", "江西", "Jiangxi"),
    ("CN-SD", "山东", "Shandong"), ("CN-HA", "河南", "Henan"), ("CN-HB", "湖北", "Hubei"),
    ("CN-HN", "湖南", "Hunan"), ("CN-GD", "广东", "Guangdong"), ("CN-GX", "广西", "Guangxi"),
    ("CN-HI", "海南", "Hainan"), ("CN-CQ", "重庆", "Chongqing"), ("CN-SC", "四川", "Sichuan"),
    ("CN-GZ", "贵州", "Guizhou"), ("CN-YN", "云南", "Yunnan"), ("CN-XZ", "西藏", "Tibet"),
    ("CN-SN", "陕西", "Shaanxi"), ("CN-GS", "甘肃", "Gansu"), ("CN-QH", "青海", "Qinghai"),
    ("CN-NX", "宁夏", "Ningxia"), ("CN-XJ", "新疆", "Xinjiang"),
)  # fmt: skip
# UNKNOWN is first, because the bytes of an empty table are 0.
_NETWORKS = tuple(sorted(Network, key=lambda network: network is not Network.UNKNOWN))
_CARRIERS = {
    "China Mobile": Network.CHINA_MOBILE,
    "China Unicom": Network.CHINA_UNICOM,
    "China Telecom": Network.CHINA_TELECOM,
}
# Ranges of resellers (MVNO). Their customers are not China Mobile's, even where the source names
# China Mobile as the network (MIIT numbering plan, domain notes section 1).
_RESELLERS = ("1703", "1705", "1706", "165", "162", "167", "171")


def build(path: Path = TABLE) -> int:
    """Write the table to ``path``; its size in bytes."""
    # Imported here, because the import costs most of a second and about 100 MB.
    import phonenumbers  # noqa: PLC0415
    from phonenumbers.carrierdata import CARRIER_DATA  # noqa: PLC0415
    from phonenumbers.geodata import GEOCODE_DATA  # noqa: PLC0415

    header = {
        "data": f"phonenumbers {phonenumbers.__version__}",
        "provinces": [code for code, _, _ in _PROVINCES],
        "networks": [network.value for network in _NETWORKS],
    }
    provinces, networks = _expand(GEOCODE_DATA, _province), _expand(CARRIER_DATA, _network)
    for reseller in _RESELLERS:
        _fill(networks, reseller, _NETWORKS.index(Network.OTHER))
    table = bytes(p << 3 | n for p, n in zip(provinces, networks, strict=True))
    packed = lzma.compress(table, preset=9 | lzma.PRESET_EXTREME)
    path.write_bytes(MAGIC + json.dumps(header).encode() + b"\n" + packed)
    return path.stat().st_size


def _expand(
    data: Mapping[str, Mapping[str, str]], index: Callable[[Mapping[str, str]], int]
) -> bytearray:
    """One byte a prefix, from the longest entry of the source that covers the prefix."""
    table = bytearray(PREFIXES)
    for digits in sorted((key[2:] for key in data if key.startswith("861")), key=len):
        _fill(table, digits, index(data["86" + digits]))
    return table


def _fill(table: bytearray, digits: str, entry: int) -> None:
    """Set the entry of all seven-digit prefixes that begin with these digits."""
    width: int = 10 ** (7 - len(digits))
    start = int(digits) * width - FIRST_PREFIX
    if start >= 0:
        table[start : start + width] = bytes([entry]) * width


def _province(names: Mapping[str, str]) -> int:
    zh, en = names.get("zh"), names.get("en", "")
    for index, (_, chinese, english) in enumerate(_PROVINCES, start=1):
        if en.endswith(english) if zh is None else zh.startswith(chinese):
            return index
    return 0


def _network(carrier: Mapping[str, str]) -> int:
    return _NETWORKS.index(_CARRIERS.get(carrier["en"], Network.OTHER))


if __name__ == "__main__":
    sys.stdout.write(f"{TABLE}: {build()} bytes\n")
