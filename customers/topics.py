"""What a complaint is about: a simple taxonomy of Chinese and English keywords that an operator may edit."""

import tomllib
from collections.abc import Mapping

from records.errors import ConfigError

OTHER = "other"

# Order is precedence: billing words decide before the service words that often stand beside them.
DEFAULT_TAXONOMY = """
billing = ["账单", "扣费", "话费", "资费", "收费", "充值", "欠费", "退费", "bill", "charge", "fee", "refund", "invoice"]
service = ["热线", "客服", "营业厅", "排队", "态度", "装机", "安装", "上门", "师傅", 
  "hotline", "agent", "store", "queue", "install", "technician", "waiting"]
device = ["手机", "终端", "机型", "更新后", "系统升级", "phone", "handset", "device", "update", "firmware"]
coverage = ["信号", "没网", "无服务", "覆盖", "断网", "signal", "coverage", "no service", "reception"]
voice = ["通话", "电话", "掉话", "杂音", "听不清", "call", "dropped", "voice"]
app = ["视频", "游戏", "微信", "支付", "网页", "卡顿", "缓冲", "直播", 
  "video", "game", "app", "payment", "page", "buffer", "stall"]
speed = ["网速", "慢", "网络", "流量", "上网", "slow", "speed", "internet", "data", "network", "connection"]
"""

Taxonomy = Mapping[str, tuple[str, ...]]


def taxonomy_of(text: str = DEFAULT_TAXONOMY) -> Taxonomy:
    """Parse a taxonomy (TOML: class = list of keywords, in order of precedence); `ConfigError` where it is none."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the complaint taxonomy is not valid TOML: {error}") from None
    for name, words in table.items():
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise ConfigError(f"complaint class {name} must be a list of keywords, is {words!r}")
    return {name: tuple(word.casefold() for word in words) for name, words in table.items()}


def topic_of(taxonomy: Taxonomy, category: str, text: str) -> str:
    """The class with most keywords in the text and its category, the earlier one on a tie; "other" without any."""
    said = f"{category} {text}".casefold()
    scores = {name: sum(word in said for word in words) for name, words in taxonomy.items()}
    best = max(scores, key=lambda name: scores[name], default=OTHER)
    return best if scores.get(best, 0) > 0 else OTHER
