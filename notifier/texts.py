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
    "order": {
        "en": "Mayday: order",
        "ru": "Mayday: заказ",
        "uz": "Mayday: buyurtma",
        "fr": "Mayday : commande",
    },
    "shift": {
        "en": "Mayday: your licence",
        "ru": "Mayday: ваши права",
        "uz": "Mayday: guvohnomangiz",
        "fr": "Mayday : votre permis",
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
    "shift.licence_soon": {
        "en": "Your driving licence ends on {date}. Enter the new one in time: without it no shift begins.",
        "ru": "Ваши права действуют до {date}. Внесите новые вовремя: без них смена не начнётся.",
        "uz": "Guvohnomangiz {date} gacha amal qiladi. Yangisini vaqtida kiriting: usiz smena boshlanmaydi.",
        "fr": "Votre permis expire le {date}. Saisissez le nouveau à temps : sans lui, pas de service.",
    },
    "shift.licence_expired": {
        "en": "Your driving licence ended on {date}, and so has your shift. Enter the new one to go on.",
        "ru": "Ваши права истекли {date}, смена закрыта. Внесите новые, чтобы продолжить.",
        "uz": "Guvohnomangiz muddati {date} da tugadi, smena yopildi. Davom etish uchun yangisini kiriting.",
        "fr": "Votre permis a expiré le {date}, votre service aussi. Saisissez le nouveau pour continuer.",
    },
    "sos.push_refused": {
        "en": "Push messages are refused. Until that is mended, people are told by SMS: it takes longer.",
        "ru": "Push-уведомления отклоняются. Пока это не исправлено, людей оповещают по SMS: это дольше.",
        "uz": "Push xabarlar rad etilmoqda. Tuzatilguncha odamlarga SMS yuboriladi: bu sekinroq.",
        "fr": "Les notifications push sont refusées. D’ici là, tout part par SMS : c’est plus lent.",
    },
    "order.offer": {
        "en": "{service}, {distance}: {price}. Open Mayday to take it.",
        "ru": "{service}, {distance}: {price}. Откройте Mayday, чтобы взять заказ.",
        "uz": "{service}, {distance}: {price}. Olish uchun Mayday'ni oching.",
        "fr": "{service}, {distance} : {price}. Ouvrez Mayday pour accepter.",
    },
    "order.taken": {
        "en": "Another driver has taken the order. You will be asked for the next.",
        "ru": "Заказ взял другой водитель. Предложим вам следующий.",
        "uz": "Buyurtmani boshqa haydovchi oldi. Keyingisini sizga taklif qilamiz.",
        "fr": "Un autre chauffeur a pris la commande. La prochaine vous sera proposée.",
    },
    "order.off": {
        "en": "The order was cancelled. You need not go.",
        "ru": "Заказ отменён. Ехать не нужно.",
        "uz": "Buyurtma bekor qilindi. Borish shart emas.",
        "fr": "La commande est annulée. Inutile d’y aller.",
    },
    "order.given": {
        "en": "A dispatcher has given you an order: {service}. Open Mayday and set out.",
        "ru": "Диспетчер дал вам заказ: {service}. Откройте Mayday и выезжайте.",
        "uz": "Dispetcher sizga buyurtma berdi: {service}. Mayday'ni oching va yo'lga chiqing.",
        "fr": "Un régulateur vous confie une commande : {service}. Ouvrez Mayday et partez.",
    },
    "order.nudge": {
        "en": "We do not see where you are. Are you on your way? Open Mayday, or another driver is asked.",
        "ru": "Мы не видим, где вы. Вы едете? Откройте Mayday, иначе заказ получит другой.",
        "uz": "Qayerdaligingiz ko'rinmayapti. Yo'ldamisiz? Mayday'ni oching, bo'lmasa boshqasi chaqiriladi.",
        "fr": "Nous ne voyons plus où vous êtes. En route ? Ouvrez Mayday, sinon un autre sera appelé.",
    },
    "order.taken_away": {
        "en": "The order is not yours any more. You need not go.",
        "ru": "Заказ передан другому водителю. Ехать больше не нужно.",
        "uz": "Buyurtma endi sizda emas. Borish shart emas.",
        "fr": "La commande ne vous est plus confiée. Inutile d’y aller.",
    },
    "order.coming": {
        "en": "{name} is coming to you, {eta}. {vehicle}",
        "ru": "{name} едет к вам, {eta}. {vehicle}",
        "uz": "{name} sizga yo'l oldi, {eta}. {vehicle}",
        "fr": "{name} vient à vous, {eta}. {vehicle}",
    },
    "order.arrived": {
        "en": "{name} is there and waits for you. {vehicle}",
        "ru": "{name} на месте и ждёт вас. {vehicle}",
        "uz": "{name} yetib keldi va sizni kutmoqda. {vehicle}",
        "fr": "{name} est sur place et vous attend. {vehicle}",
    },
    "order.given_back": {
        "en": "Your driver cannot come after all. We are looking for another one now.",
        "ru": "Водитель всё-таки не сможет приехать. Уже ищем другого.",
        "uz": "Haydovchi kela olmaydi. Hozir boshqasini qidiryapmiz.",
        "fr": "Votre chauffeur ne peut finalement pas venir. Nous en cherchons un autre.",
    },
    "order.unassigned": {
        "en": "No driver is free yet. We go on looking, and a dispatcher has been asked to help.",
        "ru": "Свободных водителей пока нет. Ищем дальше, диспетчер уже подключён.",
        "uz": "Hozircha bo'sh haydovchi yo'q. Qidiryapmiz, dispetcherga ham xabar berildi.",
        "fr": "Aucun chauffeur libre pour l’instant. Nous cherchons encore, un régulateur est prévenu.",
    },
    "order.cancelled": {
        "en": "Your order was cancelled by a dispatcher. If you still need somebody, order again.",
        "ru": "Диспетчер отменил ваш заказ. Если помощь ещё нужна, закажите снова.",
        "uz": "Buyurtmangizni dispetcher bekor qildi. Yordam hali kerak bo'lsa, qayta buyurtma bering.",
        "fr": "Un régulateur a annulé votre commande. Si vous en avez besoin, commandez à nouveau.",
    },
    "order.message": {
        "en": "There is a message about the order. Open Mayday to read it.",
        "ru": "Новое сообщение о заказе. Откройте Mayday, чтобы прочитать.",
        "uz": "Buyurtma haqida xabar bor. O'qish uchun Mayday'ni oching.",
        "fr": "Vous avez un message sur la commande. Ouvrez Mayday pour le lire.",
    },
    "order.no_show": {
        "en": "Your driver was there and did not find you. The order is closed.",
        "ru": "Водитель был на месте и не нашёл вас. Заказ закрыт.",
        "uz": "Haydovchi keldi, lekin sizni topmadi. Buyurtma yopildi.",
        "fr": "Votre chauffeur était sur place et ne vous a pas trouvé. La commande est close.",
    },
    "order.desk": {
        "en": "Nobody takes an order: {service}, {region}. Please look.",
        "ru": "Заказ никто не берёт: {service}, {region}. Посмотрите, пожалуйста.",
        "uz": "Buyurtmani hech kim olmayapti: {service}, {region}. Iltimos, qarang.",
        "fr": "Personne ne prend une commande : {service}, {region}. Merci de regarder.",
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
_SERVICES = {
    "tow": {"en": "tow", "ru": "эвакуатор", "uz": "evakuator", "fr": "remorquage"},
    "repair": {"en": "repair", "ru": "ремонт на месте", "uz": "joyida ta'mir", "fr": "dépannage"},
    "ride": {"en": "ride", "ru": "поездка", "uz": "safar", "fr": "trajet"},
}
_MINUTES = {"en": "about {} min", "ru": "около {} мин", "uz": "taxminan {} daqiqa", "fr": "environ {} min"}
_SOON = {"en": "as soon as possible", "ru": "как можно скорее", "uz": "imkon qadar tez", "fr": "au plus vite"}
_NO_DISTANCE = {
    "en": "place not known",
    "ru": "место неизвестно",
    "uz": "joyi noma'lum",
    "fr": "lieu inconnu",
}
_METRES = {"en": "m", "ru": "м", "uz": "m", "fr": "m"}
_KILOMETRES = {"en": "km", "ru": "км", "uz": "km", "fr": "km"}

_MINOR_DIGITS = dict.fromkeys(
    ("BIF", "CLP", "ISK", "JPY", "KRW", "PYG", "RWF", "UGX", "VND", "XAF", "XOF"), 0
) | (dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3))
"""Of ISO 4217, where they are not two."""

_MOST = {"name": 16, "type": 14, "region": 20, "vehicle": 40}
"""Characters; whoever is called by more is still found by the link."""


def say(kind: str, language: str, *, exercise: bool = False, **values: str) -> tuple[str, str]:
    """Title and text; somebody whose language is not known here is told in English.

    A `type` of SOS and a `service` are said in words, a `distance` in digits is metres, an `eta` seconds, a
    `price` minor units and their currency.
    """
    spoken = language.lower().replace("_", "-").partition("-")[0]
    if spoken not in _EXERCISE:
        spoken = DEFAULT
    family = _TITLE_OF.get(kind, kind.partition(".")[0])
    before = _EXERCISE[spoken] if exercise else ""
    text = _TEXTS[kind][spoken].format(**_spoken(values, spoken)).rstrip()
    return before + _TITLES[family][spoken], before + text


def _spoken(values: Mapping[str, str], language: str) -> dict[str, str]:
    said = dict(values)
    if word := _TYPES.get(said.get("type", "")):
        said["type"] = word[language]
    if word := _SERVICES.get(said.get("service", "")):
        said["service"] = word[language]
    if "distance" in said:
        distance = said["distance"]
        said["distance"] = (
            _length(int(distance), language) if distance.isdecimal() else _NO_DISTANCE[language]
        )
    if "eta" in said:
        eta = said["eta"]
        said["eta"] = _minutes(int(eta), language) if eta.isdecimal() else _SOON[language]
    if "price" in said:
        said["price"] = _money(said["price"])
    return {name: value[: _MOST.get(name)] for name, value in said.items()}


def _length(metres: int, language: str) -> str:
    if metres < 1000:
        return f"{metres} {_METRES[language]}"
    kilometres = f"{metres / 1000:.1f}" if metres < 10_000 else f"{metres / 1000:.0f}"
    return f"{kilometres if language == 'en' else kilometres.replace('.', ',')} {_KILOMETRES[language]}"


def _minutes(seconds: int, language: str) -> str:
    return _MINUTES[language].format(max(1, round(seconds / 60)))


def _money(price: str) -> str:
    minor, _, currency = price.partition(" ")
    digits = _MINOR_DIGITS.get(currency, 2)
    whole, rest = divmod(int(minor), 10**digits)
    fraction = f".{rest:0{digits}}" if rest else ""
    return f"{whole:,}".replace(",", " ") + f"{fraction} {currency}"
