"""Who may do what: every route, every role, on what is theirs and on what is another's.

The table is the specification. A route that is missing from it fails a test below.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from api.people import photos, pictures, profile
from db import notifications, push_tokens, webhooks
from db.models import Driver, HelperCall, Notification, User, UserRole, Webhook
from db.seal import Seal
from db.session import Database
from db.states import Party, Role, Service
from dispatch import telling
from dispatch.fleet import shifts, vehicles
from dispatch.fleet.vehicles import Draft
from dispatch.orders import links, picturing, queries
from tests.asking import make_offer
from tests.builders import NOON, make_device, make_user, report
from tests.integration.api.speaking import Api, log_in
from tests.maps import circle, feature, make_fence, make_region, square
from tests.ordering import make_tariff, place_order
from tests.pictures import PNG
from tests.watchers import make_contact, make_duty, make_policy, send_link

TABLE = """
route                                            whose      nobody customer driver helper dispatcher admin
GET    /                                         anybody's     200      200    200    200        200   200
GET    /healthz                                  anybody's     200      200    200    200        200   200
GET    /readyz                                   anybody's     503      503    503    503        503   503
POST   /api/v1/auth/register/                    anybody's     422      422    422    422        422   422
POST   /api/v1/auth/login/                       anybody's     422      422    422    422        422   422
POST   /api/v1/auth/refresh/                     anybody's     422      422    422    422        422   422
POST   /api/v1/auth/codes/                       anybody's     422      422    422    422        422   422
POST   /api/v1/auth/codes/login/                 anybody's     422      422    422    422        422   422
POST   /api/v1/auth/codes/verify/                anybody's     422      422    422    422        422   422
POST   /api/v1/auth/codes/reset/                 anybody's     422      422    422    422        422   422
POST   /api/v1/auth/password/reset/              anybody's     422      422    422    422        422   422
POST   /api/auth/phone-login/                    anybody's     400      400    400    400        400   400
POST   /api/auth/verify-otp/                     anybody's     400      400    400    400        400   400
POST   /api/auth/logout/                         own           401      200    200    200        200   200
POST   /api/auth/verify-email/                   anybody's     400      400    400    400        400   400
POST   /api/auth/verify-phone/                   anybody's     400      400    400    400        400   400
POST   /api/auth/resend-verification/            anybody's     400      400    400    400        400   400
POST   /api/auth/password-reset/                 anybody's     400      400    400    400        400   400
POST   /api/auth/password-reset/confirm/         anybody's     400      400    400    400        400   400
POST   /api/v1/devices/                          own           401      201    201    201        201   201
POST   /api/v1/devices/                          foreign       401      409    409    409        409   409
GET    /api/v1/devices/                          anybody's     401      200    200    200        200   200
POST   /api/v1/sos/trigger/                      own           401      200    200    200        200   200
POST   /api/v1/sos/trigger/                      foreign       401      404    404    404        404   404
GET    /api/v1/incidents/                        anybody's     401      200    200    200        200   200
GET    /api/v1/incidents/{incident_id}/          own           401      200    200    200        200   200
GET    /api/v1/incidents/{incident_id}/          foreign       401      404    404    404        200   200
POST   /api/v1/incidents/{incident_id}/ack/      own           401      403    403    403        200   200
POST   /api/v1/incidents/{incident_id}/ack/      foreign       401      403    403    403        200   200
POST   /api/v1/incidents/{incident_id}/resolve/  own           401      403    403    403        200   200
POST   /api/v1/incidents/{incident_id}/resolve/  foreign       401      403    403    403        200   200
POST   /api/v1/incidents/{incident_id}/cancel/   own           401      200    200    200        200   200
POST   /api/v1/incidents/{incident_id}/cancel/   foreign       401      404    404    404        404   404
POST   /api/v1/incidents/{incident_id}/note/     own           401      403    403    403        200   200
POST   /api/v1/incidents/{incident_id}/note/     foreign       401      403    403    403        200   200
POST   /api/v1/incidents/{incident_id}/reassign/ own           401      403    403    403        409   409
POST   /api/v1/incidents/{incident_id}/reassign/ foreign       401      403    403    403        409   409
POST   /api/v1/incidents/{incident_id}/reopen/   own           401      403    403    403        409   409
POST   /api/v1/incidents/{incident_id}/reopen/   foreign       401      403    403    403        409   409
POST   /api/v1/incidents/{incident_id}/exercise/ own           401      403    403    403        200   200
POST   /api/v1/incidents/{incident_id}/exercise/ foreign       401      403    403    403        200   200
POST   /api/v1/incidents/{incident_id}/merge/    own           401      403    403    403        409   409
POST   /api/v1/incidents/{incident_id}/merge/    foreign       401      403    403    403        409   409
POST   /api/v1/incidents/{incident_id}/merge/dismiss/ own      401      403    403    403        404   404
POST   /api/v1/incidents/{incident_id}/merge/dismiss/ foreign  401      403    403    403        404   404
POST   /api/v1/incidents/{incident_id}/unmerge/  own           401      403    403    403        409   409
POST   /api/v1/incidents/{incident_id}/unmerge/  foreign       401      403    403    403        409   409
PUT    /api/v1/auth/me/pin/                      own           401      409    409    409        409   409
DELETE /api/v1/auth/me/pin/                      own           401      409    409    409        409   409
GET    /api/v1/drivers/                          anybody's     401      403    403    403        200   200
PUT    /api/v1/drivers/me/                       own           401      403    200    403        403   403
PUT    /api/v1/drivers/me/licence/               own           401      403    200    403        403   403
POST   /api/v1/drivers/me/vehicles/              own           401      403    201    403        403   403
PUT    /api/v1/drivers/me/vehicles/{vehicle_id}/ own           401      403    200    403        403   403
PUT    /api/v1/drivers/me/vehicles/{vehicle_id}/ foreign       401      403    404    403        403   403
DELETE /api/v1/drivers/me/vehicles/{vehicle_id}/ own           401      403    204    403        403   403
DELETE /api/v1/drivers/me/vehicles/{vehicle_id}/ foreign       401      403    404    403        403   403
POST   /api/v1/drivers/me/shifts/                own           401      403    201    403        403   403
GET    /api/v1/drivers/{driver}/                 own           401      403    200    403        403   403
GET    /api/v1/drivers/{driver}/                 foreign       401      404    404    404        200   200
GET    /api/v1/drivers/{driver}/vehicles/        own           401      403    200    403        403   403
GET    /api/v1/drivers/{driver}/vehicles/        foreign       401      404    404    404        200   200
GET    /api/v1/drivers/{driver}/shifts/          own           401      403    200    403        403   403
GET    /api/v1/drivers/{driver}/shifts/          foreign       401      404    404    404        200   200
POST   /api/v1/drivers/{driver}/shifts/end/      own           401      403    200    403        403   403
POST   /api/v1/drivers/{driver}/shifts/end/      foreign       401      404    404    404        200   200
GET    /api/v1/drivers/{driver}/ledger/          own           401      403    200    403        403   403
GET    /api/v1/drivers/{driver}/ledger/          foreign       401      404    404    404        200   200
GET    /api/v1/drivers/{driver}/earnings/        own           401      403    200    403        403   403
GET    /api/v1/drivers/{driver}/earnings/        foreign       401      404    404    404        200   200
GET    /api/v1/drivers/{driver}/statistics/      own           401      403    200    403        403   403
GET    /api/v1/drivers/{driver}/statistics/      foreign       401      404    404    404        200   200
GET    /api/v1/passengers/me/                    own           401      200    200    200        200   200
PUT    /api/v1/passengers/me/                    own           401      200    200    200        200   200
GET    /api/v1/tow-trucks/                       anybody's     401      200    200    200        200   200
POST   /api/v1/location/update/                  own           401      403    200    403        403   403
GET    /api/orders/                              anybody's     401      200    200    200        200   200
POST   /api/orders/                              own           401      201    201    201        201   201
GET    /api/orders/passenger/{passenger_id}/     own           401      200    200    200        200   200
GET    /api/orders/passenger/{passenger_id}/     foreign       401      404    404    404        200   200
GET    /api/orders/driver/{driver_id}/           own           401      200    200    200        200   200
GET    /api/orders/driver/{driver_id}/           foreign       401      404    404    404        200   200
GET    /api/orders/{order_id}/                   own           401      200    200    200        200   200
GET    /api/orders/{order_id}/                   foreign       401      404    404    404        200   200
PATCH  /api/orders/{order_id}/status/            own           401      200    200    200        200   200
PATCH  /api/orders/{order_id}/status/            foreign       401      404    404    404        200   200
GET    /api/drivers/                             anybody's     401      200    200    200        200   200
GET    /api/drivers/{driver_id}/                 own           401      404    200    404        404   404
GET    /api/drivers/{driver_id}/                 foreign       401      200    200    200        200   200
PATCH  /api/drivers/{driver_id}/location/        own           401      403    200    403        403   403
PATCH  /api/drivers/{driver_id}/location/        foreign       401      403    404    403        403   403
PATCH  /api/drivers/{driver_id}/online-status/   own           401      403    200    403        403   403
PATCH  /api/drivers/{driver_id}/online-status/   foreign       401      403    404    403        403   403
GET    /api/passengers/{passenger_id}/           own           401      200    200    200        200   200
GET    /api/passengers/{passenger_id}/           foreign       401      404    404    404        200   200
POST   /api/assistance/request/                  own           401      201    403    201        201   201
GET    /api/assistance/view/                     anybody's     401      200    200    200        200   200
GET    /api/assistance/view/{assistance_id}/     own           401      200    200    200        200   200
GET    /api/assistance/view/{assistance_id}/     foreign       401      404    404    404        200   200
PATCH  /api/assistance/accept/{assistance_id}/   own           401      403    404    403        403   403
PATCH  /api/assistance/accept/{assistance_id}/   foreign       401      403    404    403        403   403
PATCH  /api/assistance/update/{assistance_id}/   own           401      200    200    200        200   200
PATCH  /api/assistance/update/{assistance_id}/   foreign       401      404    404    404        200   200
GET    /api/v1/quarantine/                       anybody's     401      403    403    403        403   200
GET    /api/v1/auth/sessions/                    own           401      200    200    200        200   200
DELETE /api/v1/auth/sessions/{session_id}/       own           401      204    204    204        204   204
DELETE /api/v1/auth/sessions/{session_id}/       foreign       401      404    404    404        404   404
POST   /api/v1/auth/logout/                      own           401      204    204    204        204   204
GET    /api/v1/users/                            anybody's     401      403    403    403        403   200
GET    /api/v1/users/{user}/                     own           401      403    403    403        403   200
GET    /api/v1/users/{user}/                     foreign       401      403    403    403        403   200
PUT    /api/v1/users/{user}/roles/{role}/        own           401      403    403    403        403   200
PUT    /api/v1/users/{user}/roles/{role}/        foreign       401      403    403    403        403   200
DELETE /api/v1/users/{user}/roles/{role}/        own           401      403    403    403        403   200
DELETE /api/v1/users/{user}/roles/{role}/        foreign       401      403    403    403        403   200
POST   /api/v1/users/{user}/block/               own           401      403    403    403        403   409
POST   /api/v1/users/{user}/block/               foreign       401      403    403    403        403   200
POST   /api/v1/users/{user}/unblock/             own           401      403    403    403        403   200
POST   /api/v1/users/{user}/unblock/             foreign       401      403    403    403        403   200
PUT    /api/v1/users/{user}/regions/             own           401      403    403    403        403   200
PUT    /api/v1/users/{user}/regions/             foreign       401      403    403    403        403   200
POST   /api/v1/users/{user}/mqtt/                own           401      403    403    403        403   201
POST   /api/v1/users/{user}/mqtt/                foreign       401      403    403    403        403   409
DELETE /api/v1/users/{user}/mqtt/                own           401      403    403    403        403   204
DELETE /api/v1/users/{user}/mqtt/                foreign       401      403    403    403        403   204
POST   /api/v1/dispatchers/me/mqtt/              own           401      403    403    403        201   201
DELETE /api/v1/dispatchers/me/mqtt/              own           401      403    403    403        204   204
GET    /api/v1/audit/                            anybody's     401      403    403    403        403   200
GET    /api/v1/incidents/{incident_id}/export/       own       401      403    403    403        200   200
GET    /api/v1/incidents/{incident_id}/export/       foreign   401      403    403    403        200   200
GET    /api/v1/incidents/{incident_id}/export/page/  own       401      403    403    403        200   200
GET    /api/v1/incidents/{incident_id}/export/page/  foreign   401      403    403    403        200   200
POST   /api/v1/incidents/exports/check/          anybody's     401      403    403    403        422   422
GET    /api/v1/statistics/incidents/             anybody's     401      403    403    403        200   200
POST   /api/v1/auth/login/second-step/           anybody's     422      422    422    422        422   422
GET    /api/v1/auth/me/                          own           401      200    200    200        200   200
PATCH  /api/v1/auth/me/                          own           401      200    200    200        200   200
PUT    /api/v1/auth/me/photo/                    own           401      204    204    204        204   204
DELETE /api/v1/auth/me/photo/                    own           401      204    204    204        204   204
POST   /api/v1/auth/me/phone/                    own           401      422    422    422        422   422
POST   /api/v1/auth/me/phone/confirm/            own           401      422    422    422        422   422
POST   /api/v1/auth/me/totp/                     own           401      403    403    403        201   201
POST   /api/v1/auth/me/totp/confirm/             own           401      403    403    403        409   409
POST   /api/v1/auth/me/totp/remove/              own           401      204    204    204        204   204
GET    /api/v1/users/{user}/photo/               own           401      200    200    200        200   200
GET    /api/v1/users/{user}/photo/               foreign       401      404    404    404        200   200
DELETE /api/v1/users/{user}/totp/                own           401      403    403    403        403   204
DELETE /api/v1/users/{user}/totp/                foreign       401      403    403    403        403   204
GET    /api/v1/devices/stragglers/               anybody's     401      200    200    200        200   200
POST   /api/v1/devices/claim/                    anybody's     401      422    422    422        422   422
POST   /api/v1/devices/bulk/                     anybody's     401      403    403    403        403   201
GET    /api/v1/devices/{uid}/                    own           401      200    200    200        200   200
GET    /api/v1/devices/{uid}/                    foreign       401      404    404    404        200   200
PATCH  /api/v1/devices/{uid}/                    own           401      200    200    200        200   200
PATCH  /api/v1/devices/{uid}/                    foreign       401      404    404    404        403   200
POST   /api/v1/devices/{uid}/retire/             own           401      200    200    200        200   200
POST   /api/v1/devices/{uid}/retire/             foreign       401      404    404    404        403   200
POST   /api/v1/devices/{uid}/transfer/           own           401      409    409    409        409   409
POST   /api/v1/devices/{uid}/transfer/           foreign       401      404    404    404        403   409
POST   /api/v1/devices/{uid}/rotate/             own           401      200    200    200        200   200
POST   /api/v1/devices/{uid}/rotate/             foreign       401      404    404    404        403   200
POST   /api/v1/devices/{uid}/claim-code/         own           401      403    403    403        403   409
POST   /api/v1/devices/{uid}/claim-code/         nobody's      401      403    403    403        403   201
GET    /api/v1/devices/{uid}/commands/           own           401      200    200    200        200   200
GET    /api/v1/devices/{uid}/commands/           foreign       401      404    404    404        200   200
POST   /api/v1/devices/{uid}/commands/           own           401      201    201    201        201   201
POST   /api/v1/devices/{uid}/commands/           foreign       401      404    404    404        201   201
GET    /api/v1/devices/{uid}/config/             own           401      200    200    200        200   200
GET    /api/v1/devices/{uid}/config/             foreign       401      404    404    404        200   200
PUT    /api/v1/devices/{uid}/config/             own           401      200    200    200        200   200
PUT    /api/v1/devices/{uid}/config/             foreign       401      404    404    404        403   200
PATCH  /api/v1/devices/{device_uid}/status/      own           401      200    200    200        200   200
PATCH  /api/v1/devices/{device_uid}/status/      foreign       401      404    404    404        404   404
POST   /api/v1/devices/{device_uid}/location/    own           401      201    201    201        201   201
POST   /api/v1/devices/{device_uid}/location/    foreign       401      404    404    404        404   404
POST   /api/v1/auth/token/refresh/               anybody's     422      422    422    422        422   422
GET    /api/v1/auth/profile/                     anybody's     401      200    200    200        200   200
POST   /api/auth/register/                       anybody's     400      400    400    400        400   400
POST   /api/auth/login/email/                    anybody's     400      400    400    400        400   400
POST   /api/auth/login/phone/                    anybody's     400      400    400    400        400   400
POST   /api/auth/login/google/                   anybody's     400      400    400    400        400   400
POST   /api/auth/token/refresh/                  anybody's     400      400    400    400        400   400
GET    /api/profile/user/                        anybody's     401      200    200    200        200   200
GET    /api/profile/assistant/                   anybody's     401      403    200    403        403   403
POST   /api/profile/update-location/             anybody's     401      200    200    200        200   200
POST   /api/profile/assistant-status/            anybody's     401      403    200    403        403   403
GET    /api/assistants/                          anybody's     401      200    200    200        200   200
POST   /api/users/register/                      anybody's     400      400    400    400        400   400
DELETE /api/users/token/                         anybody's     401      401    401    401        401   401
GET    /api/regions/                             anybody's     401      200    200    200        200   200
GET    /api/v1/regions/                          anybody's     401      200    200    200        200   200
POST   /api/v1/regions/                          anybody's     401      403    403    403        403   201
POST   /api/v1/regions/import/                   anybody's     401      403    403    403        403   200
GET    /api/v1/regions/{slug}/                   anybody's     401      200    200    200        200   200
PUT    /api/v1/regions/{slug}/                   anybody's     401      403    403    403        403   200
DELETE /api/v1/regions/{slug}/                   anybody's     401      403    403    403        403   204
GET    /api/v1/policies/                         anybody's     401      403    403    403        200   200
GET    /api/v1/policies/match/                   anybody's     401      403    403    403        200   200
POST   /api/v1/policies/                         anybody's     401      403    403    403        403   201
GET    /api/v1/policies/{policy_id}/             anybody's     401      403    403    403        200   200
PUT    /api/v1/policies/{policy_id}/             anybody's     401      403    403    403        403   200
DELETE /api/v1/policies/{policy_id}/             anybody's     401      403    403    403        403   204
GET    /api/v1/duties/                           anybody's     401      403    403    403        403   200
GET    /api/v1/duties/mine/                      own           401      403    403    403        200   200
POST   /api/v1/duties/                           anybody's     401      403    403    403        403   201
GET    /api/v1/duties/{duty_id}/                 anybody's     401      403    403    403        403   200
PUT    /api/v1/duties/{duty_id}/                 anybody's     401      403    403    403        403   200
DELETE /api/v1/duties/{duty_id}/                 anybody's     401      403    403    403        403   204
GET    /api/v1/contacts/                         own           401      200    200    200        200   200
POST   /api/v1/contacts/                         own           401      201    201    201        201   201
GET    /api/v1/contacts/{contact_id}/            own           401      200    200    200        200   200
GET    /api/v1/contacts/{contact_id}/            foreign       401      404    404    404        404   404
PUT    /api/v1/contacts/{contact_id}/            own           401      200    200    200        200   200
PUT    /api/v1/contacts/{contact_id}/            foreign       401      404    404    404        404   404
DELETE /api/v1/contacts/{contact_id}/            own           401      204    204    204        204   204
DELETE /api/v1/contacts/{contact_id}/            foreign       401      404    404    404        404   404
GET    /live/{token}                             anybody's     200      200    200    200        200   200
GET    /live/{token}.json                        anybody's     200      200    200    200        200   200
POST   /live/{token}/spoke                       anybody's     200      200    200    200        200   200
GET    /api/v1/geofences/                        anybody's     401      200    200    200        200   200
POST   /api/v1/geofences/                        own           401      201    201    201        201   201
POST   /api/v1/geofences/                        foreign       401      404    404    404        404   404
GET    /api/v1/geofences/{geofence_id}/          own           401      200    200    200        200   200
GET    /api/v1/geofences/{geofence_id}/          foreign       401      404    404    404        404   404
GET    /api/v1/geofences/{geofence_id}/          staffs        401      404    404    404        200   200
PUT    /api/v1/geofences/{geofence_id}/          own           401      200    200    200        200   200
PUT    /api/v1/geofences/{geofence_id}/          foreign       401      404    404    404        404   404
PUT    /api/v1/geofences/{geofence_id}/          staffs        401      404    404    404        200   200
DELETE /api/v1/geofences/{geofence_id}/          own           401      204    204    204        204   204
DELETE /api/v1/geofences/{geofence_id}/          foreign       401      404    404    404        404   404
DELETE /api/v1/geofences/{geofence_id}/          staffs        401      404    404    404        204   204
GET    /api/v1/geofences/{geofence_id}/events/   own           401      200    200    200        200   200
GET    /api/v1/geofences/{geofence_id}/events/   foreign       401      404    404    404        404   404
GET    /api/v1/geofences/{geofence_id}/events/   staffs        401      404    404    404        200   200
GET    /api/v1/messages/                         anybody's     401      200    200    200        200   200
POST   /api/v1/messages/{message_id}/seen/       own           401      200    200    200        200   200
POST   /api/v1/messages/{message_id}/seen/       foreign       401      404    404    404        404   404
POST   /api/v1/push-tokens/                      anybody's     401      201    201    201        201   201
DELETE /api/v1/push-tokens/{token}/              own           401      204    204    204        204   204
DELETE /api/v1/push-tokens/{token}/              foreign       401      204    204    204        204   204
POST   /api/v1/hooks/sms/receipts/               anybody's     401      401    401    401        401   401
GET    /api/v1/webhooks/                         anybody's     401      403    403    403        403   200
POST   /api/v1/webhooks/                         anybody's     401      403    403    403        403   422
GET    /api/v1/webhooks/{webhook_id}/            anybody's     401      403    403    403        403   200
PATCH  /api/v1/webhooks/{webhook_id}/            anybody's     401      403    403    403        403   200
DELETE /api/v1/webhooks/{webhook_id}/            anybody's     401      403    403    403        403   204
POST   /api/v1/webhooks/{webhook_id}/rotate/     anybody's     401      403    403    403        403   200
GET    /api/v1/webhooks/{webhook_id}/deliveries/ anybody's     401      403    403    403        403   200
POST   /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay/  anybody's  401  403  403  403  403  202
GET    /api/v1/helpers/me/                       own           401      403    403    200        403   403
PUT    /api/v1/helpers/me/                       own           401      403    403    200        403   403
PUT    /api/v1/helpers/me/place/                 own           401      403    403    204        403   403
GET    /api/v1/calls/                            own           401      200    200    200        200   200
POST   /api/v1/calls/{call_id}/delivered/        own           401      200    200    200        200   200
POST   /api/v1/calls/{call_id}/delivered/        foreign       401      404    404    404        404   404
POST   /api/v1/calls/{call_id}/accept/           own           401      200    200    200        200   200
POST   /api/v1/calls/{call_id}/accept/           foreign       401      404    404    404        404   404
POST   /api/v1/calls/{call_id}/decline/          own           401      200    200    200        200   200
POST   /api/v1/calls/{call_id}/decline/          foreign       401      404    404    404        404   404
POST   /api/v1/calls/{call_id}/en-route/         own           401      409    409    409        409   409
POST   /api/v1/calls/{call_id}/en-route/         foreign       401      404    404    404        404   404
POST   /api/v1/calls/{call_id}/on-scene/         own           401      409    409    409        409   409
POST   /api/v1/calls/{call_id}/on-scene/         foreign       401      404    404    404        404   404
POST   /api/v1/calls/{call_id}/withdraw/         own           401      200    200    200        200   200
POST   /api/v1/calls/{call_id}/withdraw/         foreign       401      404    404    404        404   404
GET    /api/v1/incidents/{incident_id}/candidates/  own        401      403    403    403        200   200
GET    /api/v1/incidents/{incident_id}/candidates/  foreign    401      403    403    403        200   200
POST   /api/v1/incidents/{incident_id}/helpers/  own           401      403    403    403        200   200
POST   /api/v1/incidents/{incident_id}/helpers/  foreign       401      403    403    403        200   200
POST   /api/v1/hooks/sms/                        anybody's     401      401    401    401        401   401
GET    /api/v1/system/canary/                    anybody's     401      403    403    403        200   200
POST   /api/v1/orders/quote/                     anybody's   401        200    200    200        200   200
POST   /api/v1/orders/                           own         401        201    201    201        201   201
POST   /api/v1/orders/                           foreign     401        403    403    403        201   201
GET    /api/v1/orders/list/                      anybody's   401        200    200    200        200   200
GET    /api/v1/orders/{order_id}/                own         401        200    200    200        200   200
GET    /api/v1/orders/{order_id}/                foreign     401        404    404    404        200   200
PATCH  /api/v1/orders/{order_id}/update-status/  own         401        200    200    200        200   200
PATCH  /api/v1/orders/{order_id}/update-status/  foreign     401        404    404    404        200   200
POST   /api/v1/orders/{order_id}/cancel/         own         401        200    200    200        200   200
POST   /api/v1/orders/{order_id}/cancel/         foreign     401        404    404    404        200   200
POST   /api/v1/orders/{order_id}/no-show/        own         401        409    409    409        409   409
POST   /api/v1/orders/{order_id}/no-show/        foreign     401        404    404    404        409   409
POST   /api/v1/orders/{order_id}/call-attempts/  own         401        403    403    403        403   403
POST   /api/v1/orders/{order_id}/call-attempts/  foreign     401        404    404    404        409   409
POST   /api/v1/orders/{order_id}/give-back/      own         401        409    409    409        409   409
POST   /api/v1/orders/{order_id}/give-back/      foreign     401        404    404    404        409   409
POST   /api/v1/orders/{order_id}/photos/         own         401        201    201    201        201   201
POST   /api/v1/orders/{order_id}/photos/         foreign     401        404    404    404        201   201
GET    /api/v1/orders/{order_id}/photos/{name}/  own         401        200    200    200        200   200
GET    /api/v1/orders/{order_id}/photos/{name}/  foreign     401        404    404    404        200   200
DELETE /api/v1/orders/{order_id}/photos/{name}/  own         401        204    204    204        204   204
DELETE /api/v1/orders/{order_id}/photos/{name}/  foreign     401        404    404    404        204   204
GET    /api/v1/orders/{order_id}/messages/       own         401        200    200    200        200   200
GET    /api/v1/orders/{order_id}/messages/       foreign     401        404    404    404        200   200
POST   /api/v1/orders/{order_id}/messages/       own         401        201    201    201        201   201
POST   /api/v1/orders/{order_id}/messages/       foreign     401        404    404    404        201   201
GET    /api/v1/orders/{order_id}/links/          own         401        200    200    200        200   200
GET    /api/v1/orders/{order_id}/links/          foreign     401        404    404    404        200   200
POST   /api/v1/orders/{order_id}/links/          own         401        201    201    201        201   201
POST   /api/v1/orders/{order_id}/links/          foreign     401        404    404    404        201   201
DELETE /api/v1/orders/{order_id}/links/{link_id}/  own       401        204    204    204        204   204
DELETE /api/v1/orders/{order_id}/links/{link_id}/  foreign   401        404    404    404        204   204
GET    /track/{token}                            anybody's   200        200    200    200        200   200
GET    /track/{token}.json                       anybody's   200        200    200    200        200   200
GET    /api/v1/tariffs/                          anybody's   401        200    200    200        200   200
POST   /api/v1/tariffs/                          anybody's   401        403    403    403        403   201
GET    /api/v1/tariffs/{tariff_id}/              anybody's   401        200    200    200        200   200
PUT    /api/v1/tariffs/{tariff_id}/              anybody's   401        403    403    403        403   200
DELETE /api/v1/tariffs/{tariff_id}/              anybody's   401        403    403    403        403   204
GET    /api/v1/vehicle-types/                    anybody's   401        200    200    200        200   200
PUT    /api/v1/vehicle-types/{slug}/             anybody's   401        403    403    403        403   200
DELETE /api/v1/vehicle-types/{slug}/             anybody's   401        403    403    403        403   204
GET    /api/v1/offers/                           own           401      200    200    200        200   200
GET    /api/v1/offers/{offer_id}/                own           401      200    200    200        200   200
GET    /api/v1/offers/{offer_id}/                foreign       401      404    404    404        404   404
POST   /api/v1/offers/{offer_id}/accept/         own           401      403    200    403        403   403
POST   /api/v1/offers/{offer_id}/accept/         foreign       401      404    404    404        404   404
POST   /api/v1/offers/{offer_id}/decline/        own           401      403    200    403        403   403
POST   /api/v1/offers/{offer_id}/decline/        foreign       401      404    404    404        404   404
GET    /api/v1/orders/{order_id}/offers/         own           401      403    403    403        200   200
GET    /api/v1/orders/{order_id}/offers/         foreign       401      403    403    403        200   200
GET    /api/dispatch/candidates/{order_id}/      own           401      403    403    403        200   200
GET    /api/dispatch/candidates/{order_id}/      foreign       401      403    403    403        200   200
POST   /api/dispatch/assign/{order_id}/          own           401      403    403    403        409   409
POST   /api/dispatch/assign/{order_id}/          foreign       401      403    403    403        409   409
"""
_HEAD, *_LINES = (line.split() for line in TABLE.strip().splitlines())
_ROLES = _HEAD[2:]
ROUTES = {f"{method} {path}" for method, path, *_ in _LINES}
CASES = [
    pytest.param(f"{method} {path}", role, whose, int(status), id=f"{method} {path} {whose} {role}")
    for method, path, whose, *statuses in _LINES
    for role, status in zip(_ROLES, statuses, strict=True)
]


@pytest.mark.parametrize(("route", "role", "whose", "status"), CASES)
def test_everybody_may_do_what_the_table_says(
    api: Api, database: Database, route: str, role: str, whose: str, status: int
) -> None:
    method, path = route.split()
    caller = None if role == "nobody" else make_user(database, Role(role))
    owner = caller if caller and whose != "foreign" else make_user(database)
    device = make_device(database, None if whose == "nobody's" else owner)
    login = log_in(api, database, caller) if caller else None
    named: dict[str, Any] = {
        "uid": device.uid,
        "device_uid": device.uid,
        "user": owner.uuid,
        "role": "helper",
    }
    # Only what the path speaks of is there: it is most of what a case costs.
    words = set(path.split("/"))
    if words & {"incidents", "sos", "transfer"}:
        named["incident_id"] = report(database, device).incident_id
    if "calls" in words:
        named["call_id"] = make_call(database, owner, report(database, device).incident_id)
    if "offers" in words and "orders" not in words:
        named["offer_id"] = was_asked(database, owner)
    if "sessions" in words:
        theirs = login if login and owner is caller else log_in(api, database, owner)
        named["session_id"] = theirs.session
    if words & {"orders", "dispatch", "track", "tariffs", "vehicle-types"}:
        named["tariff_id"], named["slug"] = make_tariff(database).id, "car"
    if words & {"orders", "dispatch", "track"}:
        named["order_id"], named["name"] = was_ordered(api, database, owner)
    named |= {"driver": owner.id if whose == "foreign" else "me"}
    named |= dict.fromkeys(("driver_id", "passenger_id"), owner.id)
    if "drivers" in words:
        named["vehicle_id"] = works(database, owner, as_driver=whose == "foreign")
    if "assistance" in words:
        named["assistance_id"] = place_order(database, owner, service=Service.TOW, at=datetime.now(UTC)).id
    if words & {"links", "track"}:
        named["link_id"], named["token"] = is_watched(database, named["order_id"])
    if "photo" in words:
        has_photo(api, database, owner)
    if "regions" in words:
        named["slug"] = make_region(database, "there")
    if "geofences" in words:
        named["geofence_id"] = make_fence(database, device, staff=whose == "staffs")
    if words & {"messages", "push-tokens"}:
        named["message_id"], named["token"] = was_told(database, owner)
    if "webhooks" in words:
        named["webhook_id"], named["delivery_id"] = hears_of(api, database)
    if "policies" in words:
        named["policy_id"] = make_policy(database)
    admin = make_user(database, Role.ADMIN) if "duties" in words else owner
    if "duties" in words:
        named["duty_id"] = make_duty(database, admin, "08:00", "16:00").uuid
    if words & {"contacts", "live"}:
        contact = make_contact(database, owner)
        named["contact_id"] = contact.uuid
        if "live" in words:
            named["token"] = send_link(database, report(database, device).incident_id, contact)
    next_owner = make_user(database) if "transfer" in words else owner
    bodies: dict[str, dict[str, Any]] = {
        "POST /api/v1/devices/claim/": {"code": "0000-0000-0000"},
        "PATCH /api/v1/devices/{uid}/": {"name": "Grandma"},
        "POST /api/v1/devices/{uid}/transfer/": {"phone": next_owner.phone},
        "POST /api/v1/devices/{uid}/rotate/": {},
        "POST /api/v1/devices/{uid}/commands/": {"do": "locate"},
        "PUT /api/v1/devices/{uid}/config/": {"rest_s": 600},
        "PATCH /api/v1/devices/{device_uid}/status/": {},
        "POST /api/v1/devices/{device_uid}/location/": {"lat": 41.3, "lon": 69.2},
        "POST /api/v1/devices/": {"device_uid": device.uid if whose == "foreign" else "a-new-one"},
        "POST /api/v1/sos/trigger/": {"device_uid": device.uid},
        "POST /api/v1/incidents/{incident_id}/resolve/": {"outcome": "assisted"},
        "POST /api/v1/incidents/{incident_id}/cancel/": {},
        "POST /api/v1/incidents/{incident_id}/note/": {"text": "rang back"},
        "POST /api/v1/incidents/{incident_id}/reassign/": {"to": str(owner.uuid)},
        "POST /api/v1/incidents/{incident_id}/reopen/": {},
        "POST /api/v1/incidents/{incident_id}/exercise/": {"exercise": True},
        "POST /api/v1/incidents/{incident_id}/merge/": {"into": str(named.get("incident_id"))},
        "POST /api/v1/incidents/{incident_id}/merge/dismiss/": {"other": str(named.get("incident_id"))},
        "PUT /api/v1/auth/me/pin/": {"password": "correct-horse", "pin": "4711"},
        "DELETE /api/v1/auth/me/pin/": {"password": "correct-horse"},
        "POST /api/v1/auth/me/totp/confirm/": {"code": "123456"},
        "POST /api/v1/auth/me/totp/remove/": {"code": "123456"},
        "PATCH /api/v1/auth/me/": {"language": "uz"},
        "POST /api/v1/auth/me/phone/": {"phone_number": "+998977654321", "code": "123456"},
        "POST /api/v1/auth/me/phone/confirm/": {"phone_number": "+998977654321", "code": "123456"},
        "PUT /api/v1/users/{user}/regions/": {"regions": ["default"]},
        "POST /api/profile/update-location/": {"latitude": 41.3, "longitude": 69.2},
        "POST /api/profile/assistant-status/": {"is_active": True},
        "POST /api/v1/regions/": feature("new", square()),
        "POST /api/v1/regions/import/": {"type": "FeatureCollection", "features": [feature("new", square())]},
        "PUT /api/v1/regions/{slug}/": feature("there", square()),
        "POST /api/v1/push-tokens/": {"token": "an-app", "platform": "android"},
        "POST /api/v1/webhooks/": {"url": "https://127.0.0.1/"},
        "PATCH /api/v1/webhooks/{webhook_id}/": {"events": ["sos.*"]},
        "POST /api/v1/policies/": POLICY,
        "PUT /api/v1/policies/{policy_id}/": POLICY,
        "POST /api/v1/duties/": duty_of(admin),
        "PUT /api/v1/duties/{duty_id}/": duty_of(admin),
        "POST /api/v1/contacts/": {"name": "Malika", "email": "malika@example.org"},
        "PUT /api/v1/contacts/{contact_id}/": {"name": "Malika", "email": "malika@example.org"},
        "POST /api/v1/geofences/": {"name": "School", "device_uid": device.uid, "shape": circle()},
        "PUT /api/v1/drivers/me/": {"services": ["tow"]},
        "PUT /api/v1/drivers/me/licence/": {"category": "C", "number": "1", "expires_on": "2099-12-31"},
        "POST /api/v1/drivers/me/vehicles/": {"type": "flatbed"},
        "PUT /api/v1/drivers/me/vehicles/{vehicle_id}/": {"type": "flatbed"},
        "PUT /api/v1/passengers/me/": {"needs": ["lift"]},
        "POST /api/v1/location/update/": {"latitude": 41.3, "longitude": 69.2},
        "POST /api/orders/": {
            "pickup_title": "Home",
            "pickup_lat": 41.311081,
            "pickup_lon": 69.240562,
            "dropoff_title": "Airport",
            "dropoff_lat": 41.35,
            "dropoff_lon": 69.24,
        },
        "PATCH /api/orders/{order_id}/status/": {"status": "cancelled"},
        "PATCH /api/drivers/{driver_id}/location/": {"lat": 41.3, "lon": 69.2},
        "PATCH /api/drivers/{driver_id}/online-status/": {"is_online": True},
        "POST /api/assistance/request/": {
            "pickup": {"lat": 41.311081, "lng": 69.240562},
            "dropoff": {"lat": 41.35, "lng": 69.24},
        },
        "PATCH /api/assistance/update/{assistance_id}/": {"status": "canceled"},
        "PUT /api/v1/helpers/me/": {"skills": [], "radius_m": 3_000, "available": True},
        "PUT /api/v1/helpers/me/place/": {"lat": 41.3, "lon": 69.2},
        "POST /api/v1/hooks/sms/": {"from": "+998901234567", "text": "YES"},
        "POST /api/v1/orders/quote/": RIDE,
        "POST /api/v1/orders/": RIDE | {"customer": str(owner.uuid)},
        "PATCH /api/v1/orders/{order_id}/update-status/": {"status": "cancelled"},
        "POST /api/v1/orders/{order_id}/cancel/": {},
        "POST /api/v1/orders/{order_id}/no-show/": {},
        "POST /api/v1/orders/{order_id}/messages/": {"text": "By the blue gate"},
        "POST /api/v1/orders/{order_id}/links/": {"name": "Malika"},
        "POST /api/v1/orders/{order_id}/give-back/": {},
        "POST /api/v1/tariffs/": TOW_TARIFF,
        "PUT /api/v1/tariffs/{tariff_id}/": TOW_TARIFF,
        "PUT /api/v1/vehicle-types/{slug}/": {"name": "Car", "services": ["tow"], "base_price": 1},
        "PUT /api/v1/geofences/{geofence_id}/": {
            "name": "School",
            "device_uid": device.uid,
            "shape": circle(),
        },
    }
    said: dict[str, Any] = {"json": bodies.get(route)}
    if path.endswith("/spoke"):
        said = {"content": b"words=fine"}
    elif path.endswith("/bulk/"):
        said = {"content": b"uid\na-new-one\n"}
    elif method in ("PUT", "POST") and path.endswith(("/photo/", "/photos/")):
        said = {"content": PNG}
    answer = api.call(method, path.format(**named), login.access if login else None, **said)
    assert answer.status_code == status, answer.text


def was_told(database: Database, user: User) -> tuple[UUID, str]:
    with database.transaction() as session:
        push_tokens.register(session, "an-app", user_id=user.id, login=None, platform="android", at=NOON)
        message = telling.tell(session, user, "sos.nudge", key="a call", until_at=NOON, at=NOON, name="Aziza")
        assert message is not None
        return message.uuid, "an-app"


def hears_of(api: Api, database: Database) -> tuple[UUID, int]:
    seal = Seal(api.app.state.settings.derive("webhooks"))
    with database.transaction() as session:
        webhook = Webhook(
            url="https://example.org/", events=[], sealed_secret=webhooks.close(seal, webhooks.new_secret())
        )
        session.add(webhook)
        session.flush()
        said = {"id": "msg_1", "type": "sos.opened", "timestamp": NOON.isoformat(), "data": {}}
        notifications.request(session, "webhook", webhook.uuid, at=NOON, **said)
        session.flush()
        request = select(Notification.id).where(Notification.subject == webhook.uuid)
        return webhook.uuid, session.scalars(request).one()


def make_call(database: Database, helper: User, incident: UUID) -> UUID:
    at = datetime.now(UTC)
    with database.transaction() as session:
        call = HelperCall(
            incident_id=incident,
            helper_id=helper.id,
            wave=1,
            asked_at=at,
            until_at=at + timedelta(minutes=1),
            chance=0.3,
            terms={},
        )
        session.add(call)
    return call.uuid


def was_asked(database: Database, person: User) -> UUID:
    at = datetime.now(UTC)
    with database.transaction() as session:
        session.add(Driver(user_id=person.id, services=[]))
    order = place_order(database, at=at)
    offer = make_offer(database, order, person, at=at)
    assert offer is not None
    return offer.uuid


def works(database: Database, person: User, *, as_driver: bool) -> int:
    """Somebody is on a shift; says with which vehicle they could go on."""
    with database.transaction() as session:
        if as_driver:
            session.add(UserRole(user_id=person.id, role=Role.DRIVER))
        session.add(Driver(user_id=person.id, services=[each.value for each in Service]))
        session.flush()
        spare = vehicles.add(session, person.id, Draft("van"))
        vehicles.add(session, person.id, Draft("flatbed"))
        shifts.start(session, person.id, at=datetime.now(UTC))
    return spare.id


POLICY = {"name": "Falls", "types": ["fall"], "steps": [{"after_s": 0, "whom": ["dispatchers"]}]}


def duty_of(person: User) -> dict[str, Any]:
    return {
        "user": str(person.uuid),
        "weekdays": [0],
        "begins": "08:00",
        "ends": "16:00",
        "timezone": "Asia/Tashkent",
    }


RIDE = {
    "service": "ride",
    "pickup": {"lat": 41.311081, "lon": 69.240562},
    "dropoff": {"lat": 41.35, "lon": 69.24},
}
TOW_TARIFF = {
    "service": "tow",
    "currency": "UZS",
    "minimum": 1_000_000,
    "included_m": 2_000,
    "per_km": 250_000,
    "timezone": "Asia/Tashkent",
}


def was_ordered(api: Api, database: Database, customer: User) -> tuple[int, str]:
    order = place_order(database, customer, at=datetime.now(UTC))
    name = photos.keep(api.app.state.settings.media_dir, PNG, pictures.look(PNG))
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order.id))
        picturing.add_photo(session, held, name, party=Party.CUSTOMER, by=customer.id, at=NOON)
    return order.id, name


def is_watched(database: Database, order_id: int) -> tuple[UUID, str]:
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order_id))
        link, token = links.make(session, held, name="Malika", at=NOON)
        return link.id, token


def has_photo(api: Api, database: Database, user: User) -> None:
    name = photos.keep(api.app.state.settings.media_dir, PNG, pictures.look(PNG))
    with database.transaction() as session:
        profile.swap_photo(session, user.uuid, name)


def test_every_route_stands_in_the_table(api: Api) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    documented = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert documented | {"GET /"} == ROUTES


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer a b", "bearer\t", "Bearer \xff"]
)
def test_a_header_that_holds_no_token_of_ours_is_nobody(api: Api, header: str) -> None:
    answer = api.get("/api/v1/incidents/", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
