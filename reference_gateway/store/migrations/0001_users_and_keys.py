"""Users and their API keys."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

_PLANS = [("free", "free"), ("pro", "pro"), ("enterprise", "enterprise")]


class Migration(migrations.Migration):
    """The first tables."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("plan", models.CharField(choices=_PLANS, max_length=16)),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("plan", models.CharField(choices=_PLANS, max_length=16)),
                ("hash", models.BinaryField(max_length=32)),
                ("created_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="api_keys", to="store.user"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("plan__in", [name for name, _ in _PLANS])), name="store_apikey_plan_known"
                    )
                ]
            },
        ),
    ]
