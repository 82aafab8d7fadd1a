from django.db import migrations, models

VERSION = "2026-11"
WORDS = {
    "care": (
        "My photos are taken in sessions and kept encrypted. A program says which expressions they resemble, and my care team "
        "uses this to see how they change. I can withdraw at any time: reading stops at once, and the pictures are erased."
    ),
    "research": "The numbers that were read on my photos may be used for research, without my name. My care does not depend on this.",
    "teaching": "My photos may be shown to people in training who keep professional secrecy. My care does not depend on this.",
}


def keep_the_words_that_came_along(apps, schema_editor):
    # The words of any other version were the clinic's own and are not known here.
    consents = apps.get_model("patients", "Consent").objects.filter(text_version=VERSION)
    for purpose, words in WORDS.items():
        consents.filter(purpose=purpose).update(words=words)


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0040_roles_and_teams'),
    ]

    operations = [
        migrations.AddField(
            model_name='consent',
            name='words',
            field=models.TextField(blank=True, default='', verbose_name='words of the text'),
            preserve_default=False,
        ),
        migrations.RunPython(keep_the_words_that_came_along, migrations.RunPython.noop),
    ]
