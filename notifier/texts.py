"""What is said to people, in their language."""
# ruff: noqa: RUF001 - Cyrillic is meant

DEFAULT = "en"

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
}
"""By the first word of a text."""

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
}


def say(kind: str, language: str, **values: str) -> tuple[str, str]:
    """Title and text; somebody whose language is not known here is told in English."""
    spoken = language.lower().replace("_", "-").partition("-")[0]
    titles = _TITLES[kind.partition(".")[0]]
    if spoken not in titles:
        spoken = DEFAULT
    return titles[spoken], _TEXTS[kind][spoken].format(**values)
