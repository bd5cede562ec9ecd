"""Skills: what the assistant can do beyond answering from documents. A team's module needs nothing but these names."""

from skills.declare import skill
from skills.errors import SkillFailure, SkillRefusal
from skills.types import Person, Skill, SkillCall, SkillResult

__all__ = ["Person", "Skill", "SkillCall", "SkillFailure", "SkillRefusal", "SkillResult", "skill"]
