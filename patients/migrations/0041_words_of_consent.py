from django.db import migrations, models


class Migration(migrations.Migration):
    """Consents keep the words they were given to from here on.

    Older ones stay without: their version names a text, and not the language in which the patient read it.
    """

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
    ]
