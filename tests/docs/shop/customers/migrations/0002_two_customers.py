from django.contrib.auth.hashers import make_password
from django.db import migrations

PASSWORD = "Ratatosk-9-tree"  # as in tests/support/ory.py


def create(apps, schema_editor):
    customer = apps.get_model("customers", "Customer")
    for email, name in (("ada@example.org", "Ada Lovelace"), ("grace@example.org", "Grace Hopper")):
        customer(email=email, full_name=name, password=make_password(PASSWORD)).save()


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
