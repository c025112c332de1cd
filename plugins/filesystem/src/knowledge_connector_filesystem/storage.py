"""How to reach a remote store: one table of options per kind, and what fsspec calls them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from knowledge_connector.kit.config import LocalPath, Options


class S3Storage(Options):
    """Amazon S3 and compatible stores."""

    type: Literal["s3"] = Field(description="Kind of store.")
    endpoint_url: str | None = Field(
        default=None, description="Address of a compatible store (MinIO, Ceph); default is Amazon's."
    )
    region: str | None = Field(default=None, description="Region of the bucket.")
    profile: str | None = Field(default=None, description="Profile in the AWS configuration files.")
    anonymous: bool = Field(default=False, description="Sign nothing, for public buckets.")
    access_key_id: SecretStr | None = Field(default=None, description="Access key id.")
    secret_access_key: SecretStr | None = Field(default=None, description="Secret access key.")
    session_token: SecretStr | None = Field(default=None, description="Session token of temporary credentials.")

    def options(self) -> dict[str, Any]:
        """What `s3fs.S3FileSystem` takes."""
        return {
            "endpoint_url": self.endpoint_url,
            "client_kwargs": {"region_name": self.region} if self.region else None,
            "profile": self.profile,
            "anon": self.anonymous or None,
            "key": _reveal(self.access_key_id),
            "secret": _reveal(self.secret_access_key),
            "token": _reveal(self.session_token),
        }


class GoogleStorage(Options):
    """Google Cloud Storage."""

    type: Literal["gs"] = Field(description="Kind of store.")
    project: str | None = Field(default=None, description="Project to bill.")
    endpoint_url: str | None = Field(default=None, description="Address of a compatible store; default is Google's.")
    anonymous: bool = Field(default=False, description="Present no credentials, for public buckets.")
    service_account_file: LocalPath | None = Field(
        default=None, description="Key file of a service account; default are the application default credentials."
    )

    def options(self) -> dict[str, Any]:
        """What `gcsfs.GCSFileSystem` takes."""
        return {
            "project": self.project,
            "endpoint_url": self.endpoint_url,
            "token": "anon" if self.anonymous else self.service_account_file,
        }


class AzureStorage(Options):
    """Azure Blob Storage and Data Lake."""

    type: Literal["az"] = Field(description="Kind of store.")
    account_name: str | None = Field(default=None, description="Storage account.")
    account_key: SecretStr | None = Field(default=None, description="Key of the storage account.")
    sas_token: SecretStr | None = Field(default=None, description="Shared access signature.")
    connection_string: SecretStr | None = Field(default=None, description="Connection string, in place of all others.")
    tenant_id: str | None = Field(default=None, description="Tenant of an app registration.")
    client_id: str | None = Field(default=None, description="Application id of an app registration.")
    client_secret: SecretStr | None = Field(default=None, description="Secret of an app registration.")
    anonymous: bool = Field(default=False, description="Present no credentials, for public containers.")

    def options(self) -> dict[str, Any]:
        """What `adlfs.AzureBlobFileSystem` takes."""
        return {
            "account_name": self.account_name,
            "account_key": _reveal(self.account_key),
            "sas_token": _reveal(self.sas_token),
            "connection_string": _reveal(self.connection_string),
            "tenant_id": self.tenant_id,
            "client_id": self.client_id,
            "client_secret": _reveal(self.client_secret),
            "anon": self.anonymous,
        }


class SftpStorage(Options):
    """A machine reached over SSH. Its host key has to be known (`~/.ssh/known_hosts`)."""

    type: Literal["sftp"] = Field(description="Kind of store.")
    username: str | None = Field(default=None, description="User to log in as; may also stand in the URL.")
    password: SecretStr | None = Field(default=None, description="Password, where keys are not used.")
    private_key_file: LocalPath | None = Field(
        default=None, description="Private key to log in with; default are the agent and `~/.ssh`."
    )
    passphrase: SecretStr | None = Field(default=None, description="Passphrase of the private key.")
    known_hosts_file: LocalPath | None = Field(
        default=None, description="Host keys to accept; default is `~/.ssh/known_hosts`."
    )

    def options(self) -> dict[str, Any]:
        """What `sshfs.SSHFileSystem` takes."""
        return {
            "username": self.username,
            "password": _reveal(self.password),
            "client_keys": [self.private_key_file] if self.private_key_file else None,
            "passphrase": _reveal(self.passphrase),
            "known_hosts": self.known_hosts_file,
        }


def _reveal(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


Storage = Annotated[S3Storage | GoogleStorage | AzureStorage | SftpStorage, Field(discriminator="type")]
