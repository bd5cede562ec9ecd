"""Chat on other people's web sites: who may embed it, who the visitors are, and what they may use up."""
