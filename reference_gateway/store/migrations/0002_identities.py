"""Who signs in, what was issued and taken back, and operations that are done once."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

_PLANS = [("free", "free"), ("pro", "pro"), ("enterprise", "enterprise")]
_PLAN_KNOWN = models.Q(("plan__in", [name for name, _ in _PLANS]))


class Migration(migrations.Migration):
    """A key's plan follows its user from now on: where they differed, the user gets what his best key had."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("store", "0001_users_and_keys")]
    operations: ClassVar[list[migrations.operations.base.Operation]] = [
        migrations.RunSQL(
            """
            UPDATE store_user AS u SET plan = best.plan FROM (
              SELECT DISTINCT ON (user_id) user_id, plan FROM store_apikey WHERE revoked_at IS NULL
              ORDER BY user_id, array_position(ARRAY['enterprise', 'pro', 'free'], plan::text)
            ) AS best WHERE best.user_id = u.id
            """,
            migrations.RunSQL.noop,
        ),
        migrations.RemoveConstraint("ApiKey", "store_apikey_plan_known"),
        migrations.RemoveField("ApiKey", "plan"),
        migrations.AddField("ApiKey", "name", models.CharField(default="", max_length=100)),
        migrations.AddField("User", "username", models.CharField(max_length=64, null=True, unique=True)),
        migrations.AddField("User", "password_hash", models.CharField(max_length=255, null=True)),
        migrations.AddField("User", "revoked_at", models.DateTimeField(null=True)),
        migrations.AlterField("User", "id", models.CharField(max_length=255, primary_key=True, serialize=False)),
        migrations.AddConstraint("User", models.CheckConstraint(condition=_PLAN_KNOWN, name="store_user_plan_known")),
        migrations.CreateModel(
            name="Service",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("hash", models.BinaryField(max_length=32)),
                ("scopes", models.CharField(max_length=1000)),
                ("created_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("id", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sessions", to="store.user"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RefreshToken",
            fields=[
                ("hash", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("issued_at", models.DateTimeField()),
                ("issued_by", models.CharField(max_length=32)),
                ("used_at", models.DateTimeField(null=True)),
                ("used_by", models.CharField(max_length=32, null=True)),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="refresh_tokens", to="store.session"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Revocation",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=16)),
                ("name", models.CharField(max_length=255)),
                ("in_force", models.BooleanField()),
                ("changed_at", models.DateTimeField(db_index=True)),
                ("expires_at", models.DateTimeField(db_index=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["kind", "name"], name="store_revocation_once"),
                ]
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("subject", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("tries", models.IntegerField()),
                ("last_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="Operation",
            fields=[
                ("id", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("operation", models.CharField(max_length=32)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("running_until_ms", models.BigIntegerField()),
                ("forget_ms", models.BigIntegerField(db_index=True)),
                ("status", models.IntegerField(null=True)),
                ("headers", models.TextField(null=True)),
                ("body", models.BinaryField(null=True)),
            ],
        ),
    ]
