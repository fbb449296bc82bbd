// Kratos has a script here that lets pages use passkeys and security keys. The pages of django-ory have a script of
// their own, so this one is empty.
