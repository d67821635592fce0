"""Separators of words and sentences, of the parts of a sentence, and of the items of a list."""

from receipts.model.vocabulary import Language

SPACE = {Language.ZH: "", Language.EN: " "}
COMMA = {Language.ZH: "，", Language.EN: ", "}
SEMICOLON = {Language.ZH: "；", Language.EN: "; "}
FULL_STOP = {Language.ZH: "。", Language.EN: "."}
