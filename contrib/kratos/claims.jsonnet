// The claims of a JWT of Kratos, in addition to iss, sub, sid, iat, nbf, exp and jti.
local session = std.extVar('session');

{
  claims: {
    aud: ['django'],
    aal: session.authenticator_assurance_level,
    schema_id: session.identity.schema_id,
  },
}
