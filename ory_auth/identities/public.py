"""The public functions of :mod:`ory_auth.identities`, each with its async twin."""

from __future__ import annotations

from . import account_help, changing, invitations, reading, session_ends
from .driver import blocking, coroutine

get, aget = blocking(reading.get), coroutine(reading.get)
get_by_external_id = blocking(reading.get_by_external_id)
aget_by_external_id = coroutine(reading.get_by_external_id)
find, afind = blocking(reading.find), coroutine(reading.find)

create, acreate = blocking(changing.create), coroutine(changing.create)
update, aupdate = blocking(changing.update), coroutine(changing.update)
set_metadata, aset_metadata = blocking(changing.set_metadata), coroutine(changing.set_metadata)
activate, aactivate = blocking(changing.activate), coroutine(changing.activate)
deactivate, adeactivate = blocking(changing.deactivate), coroutine(changing.deactivate)
delete, adelete = blocking(changing.delete), coroutine(changing.delete)

sessions, asessions = blocking(session_ends.sessions), coroutine(session_ends.sessions)
revoke_session, arevoke_session = blocking(session_ends.revoke_session), coroutine(session_ends.revoke_session)
revoke_sessions, arevoke_sessions = blocking(session_ends.revoke_sessions), coroutine(session_ends.revoke_sessions)

recovery_link, arecovery_link = blocking(account_help.recovery_link), coroutine(account_help.recovery_link)
recovery_code, arecovery_code = blocking(account_help.recovery_code), coroutine(account_help.recovery_code)
resend_verification = blocking(account_help.resend_verification)
aresend_verification = coroutine(account_help.resend_verification)
remove_second_factor = blocking(account_help.remove_second_factor)
aremove_second_factor = coroutine(account_help.remove_second_factor)

invite, ainvite = blocking(invitations.invite), coroutine(invitations.invite)
send_recovery, asend_recovery = blocking(invitations.send_recovery), coroutine(invitations.send_recovery)
