# ruff: noqa: RUF001  (letters of other alphabets that look like Latin ones)
"""The words that forum software puts into dates: months, weekdays, today and yesterday, in the languages of forums.

Names and abbreviations are those of the Unicode CLDR and of the language packs of forum software, which shorten them in
ways of their own ("Mrz", "Juin"). Keys are in lower case, without the full stop, with and without their accents.
"""

import unicodedata
from collections.abc import Mapping

# One line a language; "|" between forms of one month.
_MONTHS = """
january|jan february|feb march|mar april|apr may june|jun july|jul august|aug september|sep|sept october|oct november|nov december|dec
januar|jän|jänner februar|feb|feber märz|mär|mrz april|apr mai juni|jun juli|jul august|aug september|sep|sept oktober|okt november|nov dezember|dez
janvier|janv|jan février|févr|fév mars|mar avril|avr mai juin|jui juillet|juil|juill|jui août|aoû septembre|sept|sep octobre|oct novembre|nov décembre|déc
январь|января|янв февраль|февраля|февр|фев март|марта|мар апрель|апреля|апр май|мая июнь|июня|июн июль|июля|июл август|августа|авг сентябрь|сентября|сент|сен октябрь|октября|окт ноябрь|ноября|нояб|ноя декабрь|декабря|дек
enero|ene febrero|feb marzo|mar abril|abr mayo|may junio|jun julio|jul agosto|ago septiembre|setiembre|sept|sep|set octubre|oct noviembre|nov diciembre|dic
gennaio|gen febbraio|feb|febb marzo|mar aprile|apr maggio|mag giugno|giu luglio|lug agosto|ago settembre|set|sett ottobre|ott novembre|nov dicembre|dic
janeiro|jan fevereiro|fev março|mar abril|abr maio|mai junho|jun julho|jul agosto|ago setembro|set outubro|out novembro|nov dezembro|dez
januari|jan februari|feb maart|mrt april|apr mei juni|jun juli|jul augustus|aug september|sep|sept oktober|okt november|nov december|dec
styczeń|stycznia|sty luty|lutego|lut marzec|marca|mar kwiecień|kwietnia|kwi maj|maja czerwiec|czerwca|cze lipiec|lipca|lip sierpień|sierpnia|sie wrzesień|września|wrz październik|października|paź listopad|listopada|lis grudzień|grudnia|gru
januari|jan februari|feb mars|mar april|apr maj juni|jun juli|jul augusti|aug september|sep|sept oktober|okt november|nov december|dec
ocak|oca şubat|şub mart|mar nisan|nis mayıs|may haziran|haz temmuz|tem ağustos|ağu eylül|eyl ekim|eki kasım|kas aralık|ara
januar|jan februar|feb marts|mar april|apr maj juni|jun juli|jul august|aug september|sep oktober|okt november|nov december|dec
januar|jan februar|feb mars|mar april|apr mai juni|jun juli|jul august|aug september|sep oktober|okt november|nov desember|des
tammikuu|tammikuuta helmikuu|helmikuuta maaliskuu|maaliskuuta huhtikuu|huhtikuuta toukokuu|toukokuuta kesäkuu|kesäkuuta heinäkuu|heinäkuuta elokuu|elokuuta syyskuu|syyskuuta lokakuu|lokakuuta marraskuu|marraskuuta joulukuu|joulukuuta
ianuarie|ian februarie|feb martie|mar aprilie|apr mai iunie|iun iulie|iul august|aug septembrie|sept octombrie|oct noiembrie|noi decembrie|dec
січень|січня|січ лютий|лютого|лют березень|березня|бер квітень|квітня|квіт травень|травня|трав червень|червня|черв липень|липня|лип серпень|серпня|серп вересень|вересня|вер жовтень|жовтня|жовт листопад|листопада|лист грудень|грудня|груд
ιανουάριος|ιανουαρίου|ιαν φεβρουάριος|φεβρουαρίου|φεβ μάρτιος|μαρτίου|μαρ απρίλιος|απριλίου|απρ μάιος|μαΐου|μαΐ ιούνιος|ιουνίου|ιουν ιούλιος|ιουλίου|ιουλ αύγουστος|αυγούστου|αυγ σεπτέμβριος|σεπτεμβρίου|σεπ οκτώβριος|οκτωβρίου|οκτ νοέμβριος|νοεμβρίου|νοε δεκέμβριος|δεκεμβρίου|δεκ
január február|febr március|márc április|ápr május|máj június|jún július|júl augusztus|aug szeptember|szept október|okt november|nov december|dec
"""  # noqa: E501
# Czech full names alone: its abbreviations stand for other months elsewhere.
_CZECH = "leden|ledna únor|února březen|března duben|dubna květen|května červen|června červenec|července srpen|srpna"
_CZECH += " září říjen|října listopadu prosinec|prosince"

# Monday first.
_WEEKDAYS = """
monday|mon tuesday|tue|tues wednesday|wed thursday|thu|thur|thurs friday|fri saturday|sat sunday|sun
montag|mo|mon dienstag|di|die mittwoch|mi|mit donnerstag|do|don freitag|fr|fre samstag|sonnabend|sa|sam sonntag|so|son
lundi|lun|lu mardi|mar|ma mercredi|mer|me jeudi|jeu|je vendredi|ven|ve samedi|sam dimanche|dim
понедельник|пн|пон вторник|вт|вто среда|ср|сре четверг|чт|чет|чтв пятница|пт|пят|птн суббота|сб|суб|сбт воскресенье|вс|вос|вск
lunes|lun martes|mar miércoles|mié jueves|jue viernes|vie sábado|sáb domingo|dom
lunedì|lun martedì|mar mercoledì|mer giovedì|gio venerdì|ven sabato|sab domenica|dom
segunda-feira|segunda|seg terça-feira|terça|ter quarta-feira|quarta|qua quinta-feira|quinta|qui sexta-feira|sexta|sex sábado|sáb domingo|dom
maandag|ma|maa dinsdag|di|din woensdag|wo|woe donderdag|do|don vrijdag|vr|vrij zaterdag|za|zat zondag|zo|zon
poniedziałek|pon|pn wtorek|wt|wto środa|śr|śro czwartek|czw piątek|pt|pią sobota|sob|sb niedziela|niedz|nie|nd|ndz
måndag|mån|må tisdag|tis|ti onsdag|ons torsdag|tors|tor fredag|fre lördag|lör söndag|sön
pazartesi|pzt|pts salı|sal çarşamba|çar|çrş perşembe|per|prş cuma|cum cumartesi|cmt|cts pazar|paz
mandag|man tirsdag|tirs|tir onsdag|ons torsdag|tors|tor fredag|fre lørdag|lør søndag|søn
maanantai|maanantaina tiistai|tiistaina keskiviikko|keskiviikkona torstai|torstaina perjantai|perjantaina lauantai|lauantaina sunnuntai|sunnuntaina
luni|lun marți|mar miercuri|mie joi vineri|vin sâmbătă|sâm duminică|dum
понеділок|пн вівторок|вт середа|ср четвер|чт пʼятниця|п'ятниця|пт субота|сб неділя|нд
δευτέρα|δευ τρίτη|τρί τετάρτη|τετ πέμπτη|πέμ παρασκευή|παρ σάββατο|σάβ κυριακή|κυρ
hétfő kedd szerda csütörtök péntek szombat vasárnap
"""  # noqa: E501

_TODAY = """
today heute aujourd'hui aujourd’hui сегодня hoy oggi hoje vandaag dzisiaj dziś idag bugün tänään azi сьогодні σήμερα
dnes danas
"""
_YESTERDAY = """
yesterday gestern hier вчера ayer ieri ontem gisteren wczoraj igår dün igår eilen вчора χθες χτες tegnap včera jučer
"""
_BEFORE_YESTERDAY = """
vorgestern avant-hier позавчера anteayer antier anteontem eergisteren przedwczoraj förrgår toissapäivänä позавчора
"""
# Words that may stand among the parts of a date without a meaning of their own.
_FILLERS = (
    "at on the of um uhr den der le à a as às ás de del alle ore om o ob ó godz godzinie kl klo klockan в во г года "
    "year saat el la las los dne az r t em am w dniu tarihinde hrs uur god об о року р ora orele"
)
# Words after a time that say nothing of it.
_HARMLESS = """
by von par por da door av af od от автор in reason grund raison motivo edited posted post dernier letzter último ultimo
"""
HARMLESS = frozenset(_HARMLESS.split())
# Words before "yesterday" (or a weekday) that make another day of it.
_TURNING = "before after next avant après altro l'altro l’altro dopo antes depois después vor nach nächsten nächster "
_TURNING += "prochain не not não nicht"
TURNING = frozenset(_TURNING.split())
# After or before a time they tell whether its hour counts from midnight or from noon.
_PARTS_OF_DAY = """
abend abends nacht nachts morgens vormittag vormittags mittag mittags nachmittag nachmittags soir matin après-midi nuit
noche tarde mañana madrugada noite manhã sera mattina mattino pomeriggio notte вечера дня утра ночи morning afternoon
evening night noon ochtends middags avonds wieczorem rano popołudniu
"""
PARTS_OF_DAY = frozenset(_PARTS_OF_DAY.split())
# Names of zones: a time with one of these is not in the page's own zone, or not known to be.
_ZONES = """
ACDT ACST ADT AEDT AEST AKDT AKST ART AST AWST BRT BST CAT CDT CEST CET COT CST CT EAT EDT EEST EET EST ET HKT HST ICT
IDT IRST IST JST KST MDT MEST MESZ MEZ MSD MSK MST MT MYT NDT NPT NST NZDT NZST PDT PHT PKT PST PT SAST SGT TRT WAT WEST
WIB YEKT МСК Eastern Central Mountain Pacific
"""
ZONES = frozenset(_ZONES.split())

_CROATIAN = """
danas jučer siječanj siječnja sij veljača veljače velj vel ožujak ožujka ožu svibanj svibnja svi kolovoz kolovoza kol
rujan rujna ruj studeni studenoga stu prosinca pros pro ponedjeljak utorak srijeda četvrtak nedjelja
"""

_PLAIN = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "\u02bc": "'", "’": "'"})


def without_accents(word: str) -> str:
    """The word as people write it who lack its accents."""
    return "".join(sign for sign in unicodedata.normalize("NFD", word) if not unicodedata.combining(sign)).translate(
        _PLAIN
    )


def _numbered(table: str, first: int) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for line in table.strip().splitlines():
        for number, forms in enumerate(line.split(), first):
            for form in forms.split("|"):
                found.setdefault(form, set()).add(number)
    for form in list(found):
        found.setdefault(without_accents(form), set()).update(found[form])
    return {form: frozenset(numbers) for form, numbers in found.items()}


def _days() -> dict[str, int]:
    words: dict[str, int] = {}
    for days, listed in ((0, _TODAY), (1, _YESTERDAY), (2, _BEFORE_YESTERDAY)):
        for word in listed.split():
            words[word] = words[without_accents(word)] = days
    return words


MONTHS: Mapping[str, frozenset[int]] = _numbered(_MONTHS + _CZECH, 1)
"""Month names: the numbers of the months that the word stands for in one language or another."""
WEEKDAYS: Mapping[str, frozenset[int]] = _numbered(_WEEKDAYS, 0)
"""Weekday names: the days that the word stands for, Monday being 0."""
RELATIVE: Mapping[str, int] = _days()
"""Today and yesterday: how many days ago."""
FILLERS = frozenset(_FILLERS.split())
ELSEWHERE: Mapping[str, frozenset[int]] = {
    **dict.fromkeys(("listopad", "listopada", "lis"), frozenset({10})),
    **dict.fromkeys(("lipanj", "lipnja", "lip"), frozenset({6})),
    **dict.fromkeys(("srpanj", "srpnja", "srp"), frozenset({7})),
    **dict.fromkeys(("travanj", "travnja", "tra"), frozenset({4})),
}
"""Croatian months whose names are other months' in Polish, Czech or Ukrainian."""
CROATIAN = frozenset(_CROATIAN.split())
"""Words of dates that only Croatian and its neighbours have."""
