"""Mails as Internet and Outlook keep them, and web pages as browsers save them."""

from knowledge_connector import Converter, hookimpl
from knowledge_connector_mail.eml import MailConverter
from knowledge_connector_mail.mhtml import SavedPageConverter
from knowledge_connector_mail.msg import OutlookConverter


@hookimpl
def register_converters() -> list[type[Converter]]:
    """EML, MSG and MHTML."""
    return [MailConverter, OutlookConverter, SavedPageConverter]
