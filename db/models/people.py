"""Who may log in, and as what."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from db.models.base import Base, BigId, BigRef, CreatedAt, PublicId, words
from db.states import Role, UserStatus


class User(Base):
    """A person: wearer, driver, helper, dispatcher, admin, or several of these at once."""

    __tablename__ = "users"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    phone: Mapped[str | None] = mapped_column(unique=True)  # E.164
    email: Mapped[str | None]
    full_name: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str | None]
    status: Mapped[UserStatus] = mapped_column(words(UserStatus), default=UserStatus.ACTIVE)
    language: Mapped[str] = mapped_column(default="en", server_default="en")
    email_verified_at: Mapped[datetime | None]
    phone_verified_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(default="", server_default="")
    photo: Mapped[str | None]  # the name of a file
    alert_regions: Mapped[list[str] | None] = mapped_column(ARRAY(String))  # of a dispatcher; none means all
    created_at: Mapped[CreatedAt]

    granted: Mapped[list["UserRole"]] = relationship(
        lazy="raise", foreign_keys="UserRole.user_id", cascade="all, delete-orphan"
    )

    @property
    def first_name(self) -> str | None:
        """All that a wearer is told of who comes."""
        return next(iter(self.full_name.split()), None)

    @validates("email", "phone")
    def _forget_proof(self, name: str, said: str | None) -> str | None:
        """Another address or number has been proven by nobody, whoever changes it."""
        if said != getattr(self, name):
            setattr(self, f"{name}_verified_at", None)
        return said

    __table_args__ = (Index("uq_users_email", text("lower(email)"), unique=True),)


class UserRole(Base):
    """One role of one person, and who granted it."""

    __tablename__ = "user_roles"

    user_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(words(Role), primary_key=True)
    granted_by: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"))
    granted_at: Mapped[CreatedAt]


class RefreshToken(Base):
    """One refresh token, kept as its hash; a family is one login and all the rotations since."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    family: Mapped[uuid.UUID] = mapped_column(index=True)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginSession(Base):
    """One login, of which the tokens of one family are the keys; ended, none of them is good any more."""

    __tablename__ = "login_sessions"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # the family of its refresh tokens
    user_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    address: Mapped[str] = mapped_column(default="", server_default="")
    agent: Mapped[str] = mapped_column(default="", server_default="")
    started_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SecondFactor(Base):
    """The authenticator app of somebody; asked for at the login once it is confirmed."""

    __tablename__ = "second_factors"

    user_id: Mapped[BigRef] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    secret: Mapped[str]  # encrypted
    last_step: Mapped[int] = mapped_column(BigInteger)  # of the last code used
    confirmed_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


class RecoveryCode(Base):
    """A code for the day the app is lost, kept as its hash."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None]
