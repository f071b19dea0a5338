"""How forum software and its translations word the "said" of "Ann said:" above a quote. Alternatives for patterns."""

SAID = (
    r"said|wrote|hat gesagt|hat geschrieben|sagte|schrieb|a dit|a écrit|zei|schreef|dijo|escribió|ha dicho|ha dit|"
    r"ha detto|ha scritto|disse|escreveu|napisał(?:\(a\)|/a)?|powiedział(?:\(a\)|/a)?|сказал(?:\(а\)|а)?|"  # noqa: RUF001
    r"написал(?:\(а\)|а)?|писал|сказав(?:\(ла\))?|каза|kirjoitti|sanoi|skrev|sagde|sa|sade|skrifaði|"  # noqa: RUF001
    r"řekl(?:\(a\)|/a)?|napsal(?:\(a\)|/a)?|povedal|a spus|a zis|mondta|írta|dedi(?: ki)?|yazdı|είπε|έγραψε|"  # noqa: RUF001
    r"nói|đã nói|đã viết|bilang|berkata|menulis|je rekao(?:/la)?|قال|אמר"
)
"""Words that a space parts from the name before them."""
SAID_UNPARTED = "说|說|写道|寫道|さんの発言|さんが書きました|は言った|กล่าว"
"""Words that may follow the name without a space."""
