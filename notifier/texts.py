"""What is said to people, in their language; each text fits two short messages."""
# ruff: noqa: RUF001 - Cyrillic is meant

from collections.abc import Mapping

DEFAULT = "en"

_EXERCISE = {"en": "EXERCISE: ", "ru": "УЧЕНИЯ: ", "uz": "MASHQ: ", "fr": "EXERCICE : "}
"""Before every word of a call that is none, so that nobody is frightened by it."""

_TITLES = {
    "code": {
        "en": "Your Mayday code",
        "ru": "Ваш код Mayday",
        "uz": "Mayday kodingiz",
        "fr": "Votre code Mayday",
    },
    "phone": {
        "en": "Your Mayday account",
        "ru": "Ваш аккаунт Mayday",
        "uz": "Mayday hisobingiz",
        "fr": "Votre compte Mayday",
    },
    "sos": {
        "en": "Mayday: call for help",
        "ru": "Mayday: зов о помощи",
        "uz": "Mayday: yordam chaqiruvi",
        "fr": "Mayday : appel à l’aide",
    },
    "news": {
        "en": "Mayday: news of a call for help",
        "ru": "Mayday: о зове о помощи",
        "uz": "Mayday: chaqiruv haqida",
        "fr": "Mayday : suite d’un appel à l’aide",
    },
    "chain": {
        "en": "Mayday: needs attention",
        "ru": "Mayday: требует внимания",
        "uz": "Mayday: e’tibor kerak",
        "fr": "Mayday : à vérifier",
    },
}
"""By the first word of a text, unless another is named below."""

_TEXTS = {
    "code.login": {
        "en": "Mayday: {code} is your code to log in, good for {minutes} minutes. Tell it to nobody.",
        "ru": "Mayday: {code} — код для входа, действует {minutes} мин. Никому его не сообщайте.",
        "uz": "Mayday: {code} — kirish kodi, {minutes} daqiqa amal qiladi. Uni hech kimga aytmang.",
        "fr": "Mayday : {code} est votre code de connexion, valable {minutes} min. À garder pour vous.",
    },
    "code.verify": {
        "en": "Mayday: {code} confirms that this is yours, good for {minutes} minutes. Tell it to nobody.",
        "ru": "Mayday: {code} — код подтверждения, действует {minutes} мин. Никому его не сообщайте.",
        "uz": "Mayday: {code} — tasdiqlash kodi, {minutes} daqiqa amal qiladi. Uni hech kimga aytmang.",
        "fr": "Mayday : {code} est votre code de vérification, valable {minutes} min. À garder pour vous.",
    },
    "code.reset": {
        "en": "Mayday: {code} sets a new password, good for {minutes} minutes. Not you? Tell it to nobody.",
        "ru": "Mayday: {code} — код для смены пароля, действует {minutes} мин. Никому его не сообщайте.",
        "uz": "Mayday: {code} — parolni almashtirish kodi, {minutes} daqiqa amal qiladi. Hech kimga aytmang.",
        "fr": "Mayday : {code} permet de changer le mot de passe, {minutes} minutes. Ne le communiquez pas.",
    },
    "phone.changed": {
        "en": "Mayday: your account has a new phone number, ending in {ending}. Not you? Tell us at once.",
        "ru": "Mayday: у вашего аккаунта новый номер телефона, на {ending}. Не вы? Сразу сообщите нам.",
        "uz": "Mayday: hisobingizda yangi telefon raqami, oxiri {ending}. Siz emasmi? Darhol xabar bering.",
        "fr": "Mayday : votre compte a un nouveau numéro, fin {ending}. Pas vous ? Prévenez-nous vite.",
    },
    "email.changed": {
        "en": "Mayday: this is no longer the email of your account. Not you? Tell us at once.",
        "ru": "Mayday: это больше не адрес почты вашего аккаунта. Не вы? Сразу сообщите нам.",
        "uz": "Mayday: bu endi hisobingizning elektron pochtasi emas. Siz emasmi? Darhol xabar bering.",
        "fr": "Mayday : ce n’est plus l’e-mail de votre compte. Pas vous ? Prévenez-nous vite.",
    },
    "sos.helper": {
        "en": "{name} needs help: {type}, {distance}. {link} Reply YES {code}",
        "ru": "{name}: нужна помощь, {type}, {distance}. {link} Ответ: YES {code}",
        "uz": "{name}ga yordam kerak: {type}, {distance}. {link} Javob: YES {code}",
        "fr": "{name} a besoin d’aide : {type}, {distance}. {link} Répondez YES {code}",
    },
    "sos.nudge": {
        "en": "{name} is waiting for you. Are you on your way? If not, say so now: others will be asked.",
        "ru": "{name} ждёт вас. Вы уже в пути? Если не можете, скажите сейчас: позовём других.",
        "uz": "{name} sizni kutmoqda. Yo'ldamisiz? Bora olmasangiz, hozir ayting: boshqalar chaqiriladi.",
        "fr": "{name} vous attend. Êtes-vous en route ? Sinon, dites-le : d’autres seront appelés.",
    },
    "sos.over": {
        "en": "The call for help of {name} is over. You need not go any more. Thank you.",
        "ru": "Вызов закрыт, {name} больше не нуждается в помощи. Ехать не нужно. Спасибо.",
        "uz": "{name}ning chaqiruvi yopildi. Endi borish shart emas. Rahmat.",
        "fr": "L’appel à l’aide de {name} est terminé. Inutile de venir. Merci.",
    },
    "sos.taken": {
        "en": "Others are on their way to {name}. You need not go. Thank you for being there.",
        "ru": "К вызову ({name}) уже едут другие. Вам ехать не нужно. Спасибо, что были рядом.",
        "uz": "{name}ga boshqalar yo'l oldi. Borishingiz shart emas. Rahmat.",
        "fr": "D’autres sont en route vers {name}. Inutile de venir. Merci d’avoir été là.",
    },
    "sos.dispatcher": {
        "en": "No answer yet: {name}, {type}, {region}. {link}",
        "ru": "Нет ответа: {name}, {type}, {region}. {link}",
        "uz": "Javobsiz: {name}, {type}, {region}. {link}",
        "fr": "Sans réponse : {name}, {type}, {region}. {link}",
    },
    "sos.supervisor": {
        "en": "No answer to a call for help for {minutes} min: {name}, {type}, {region}. Please step in.",
        "ru": "Вызов {minutes} мин без ответа: {name}, {type}, {region}. Пожалуйста, вмешайтесь.",
        "uz": "Chaqiruv {minutes} daqiqadan beri javobsiz: {name}, {type}, {region}. Iltimos, aralashing.",
        "fr": "Appel sans réponse depuis {minutes} min : {name}, {type}, {region}. Merci d’intervenir.",
    },
    "sos.guardian": {
        "en": "{name} called for help: {type}. {link}",
        "ru": "{name} зовёт на помощь: {type}. {link}",
        "uz": "{name} yordam so'radi: {type}. {link}",
        "fr": "{name} appelle à l’aide : {type}. {link}",
    },
    "sos.guardian_over": {
        "en": "The call for help of {name} is over. Mayday has ended it; you may want to ring them.",
        "ru": "Вызов о помощи ({name}) закрыт. Возможно, стоит позвонить.",
        "uz": "{name}ning yordam chaqiruvi yopildi. Qo'ng'iroq qilib ko'rsangiz bo'ladi.",
        "fr": "L’appel à l’aide de {name} est terminé. Vous pouvez lui téléphoner.",
    },
    "sos.push_refused": {
        "en": "Push messages are refused. Until that is mended, people are told by SMS: it takes longer.",
        "ru": "Push-уведомления отклоняются. Пока это не исправлено, людей оповещают по SMS: это дольше.",
        "uz": "Push xabarlar rad etilmoqda. Tuzatilguncha odamlarga SMS yuboriladi: bu sekinroq.",
        "fr": "Les notifications push sont refusées. D’ici là, tout part par SMS : c’est plus lent.",
    },
}

_TITLE_OF = {
    "sos.over": "news",
    "sos.taken": "news",
    "sos.guardian_over": "news",
    "sos.push_refused": "chain",
    "email.changed": "phone",
}

_TYPES = {
    "button": {"en": "SOS button", "ru": "кнопка SOS", "uz": "SOS tugmasi", "fr": "bouton SOS"},
    "fall": {"en": "a fall", "ru": "падение", "uz": "yiqilish", "fr": "chute"},
    "crash": {"en": "a crash", "ru": "авария", "uz": "avariya", "fr": "accident"},
    "heart": {"en": "heart", "ru": "сердце", "uz": "yurak", "fr": "cœur"},
    "immobile": {"en": "no movement", "ru": "не движется", "uz": "harakatsizlik", "fr": "immobilité"},
    "manual": {"en": "SOS", "ru": "SOS", "uz": "SOS", "fr": "SOS"},
    "other": {"en": "SOS", "ru": "SOS", "uz": "SOS", "fr": "SOS"},
}
_METRES = {"en": "m", "ru": "м", "uz": "m", "fr": "m"}
_KILOMETRES = {"en": "km", "ru": "км", "uz": "km", "fr": "km"}

_MOST = {"name": 16, "type": 14, "region": 20, "distance": 10}
"""Characters; whoever is called by more is still found by the link."""


def say(kind: str, language: str, *, exercise: bool = False, **values: str) -> tuple[str, str]:
    """Title and text; somebody whose language is not known here is told in English.

    A `type` of SOS is said in words, and a `distance` in digits is metres.
    """
    spoken = language.lower().replace("_", "-").partition("-")[0]
    if spoken not in _EXERCISE:
        spoken = DEFAULT
    family = _TITLE_OF.get(kind, kind.partition(".")[0])
    before = _EXERCISE[spoken] if exercise else ""
    text = _TEXTS[kind][spoken].format(**_spoken(values, spoken))
    return before + _TITLES[family][spoken], before + text


def _spoken(values: Mapping[str, str], language: str) -> dict[str, str]:
    said = dict(values)
    if word := _TYPES.get(said.get("type", "")):
        said["type"] = word[language]
    if (distance := said.get("distance", "")).isdecimal():
        said["distance"] = _length(int(distance), language)
    return {name: value[: _MOST.get(name)] for name, value in said.items()}


def _length(metres: int, language: str) -> str:
    if metres < 1000:
        return f"{metres} {_METRES[language]}"
    kilometres = f"{metres / 1000:.1f}" if metres < 10_000 else f"{metres / 1000:.0f}"
    return f"{kilometres if language == 'en' else kilometres.replace('.', ',')} {_KILOMETRES[language]}"
