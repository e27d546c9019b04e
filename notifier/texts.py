"""What is said to people, in their language."""
# ruff: noqa: RUF001 - Cyrillic is meant

DEFAULT = "en"

_TITLES = {
    "en": "Your Mayday code",
    "ru": "Ваш код Mayday",
    "uz": "Mayday kodingiz",
    "fr": "Votre code Mayday",
}

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
}


def say(kind: str, language: str, **values: str) -> tuple[str, str]:
    """Title and text; somebody whose language is not known here is told in English."""
    spoken = language.lower().replace("_", "-").partition("-")[0]
    if spoken not in _TITLES:
        spoken = DEFAULT
    return _TITLES[spoken], _TEXTS[kind][spoken].format(**values)
