// What a session token of Kratos says beside iss, sub, sid, iat, nbf, exp and jti.
local session = std.extVar('session');

{
  claims: {
    aud: ['django'],
    aal: session.authenticator_assurance_level,
    schema_id: session.identity.schema_id,
  },
}
