package scalekit

import (
	"maps"
	"time"
)

// data is what the official catalogue documents of an event.
func (s sampler) data() object {
	switch {
	case s.about("organization.domain_"):
		return s.domain()
	case s.about("organization.directory.user_"):
		return s.directoryUser()
	case s.about("organization.directory.group_"):
		return s.directoryGroup()
	case s.about("organization.directory_"):
		return s.directory()
	case s.about("organization.sso_"):
		return s.connection()
	case s.about("organization."):
		return s.organizationRecord()
	case s.about("user.log"):
		return object{"user": s.account(), "user_session": s.session()}
	case s.about("user."):
		return object{"organization": s.organizationRecord(), "user": s.account()}
	case s.about("role."):
		return s.role()
	case s.about("permission."):
		return object{"id": newID("perm"), "name": "invoices:approve", "description": "Approve invoices"}
	}
	return s.connectedAccount()
}

func (s sampler) organizationRecord() object {
	o := object{
		"id": s.organization, "display_name": "Navy Yard " + s.fresh, "external_id": "crm-" + s.fresh, "region_code": "US",
		"create_time": s.time(24 * time.Hour), "update_time": s.time(0), "metadata": object{"plan": "enterprise"},
		"settings": object{"features": []object{{"name": "sso", "enabled": true}, {"name": "dir_sync", "enabled": false}}},
	}
	if s.native == "organization.deleted" {
		o["deleted_at"] = s.time(0)
	}
	return o
}

func (s sampler) domain() object {
	status := "PENDING"
	switch s.native {
	case "organization.domain_dns_verification_success":
		status = "VERIFIED"
	case "organization.domain_dns_verification_failed":
		status = "FAILED"
	}
	return object{
		"id": newID("dom"), "domain": s.fresh + ".example.com", "domain_type": "ORGANIZATION_DOMAIN",
		"organization_id": s.organization, "environment_id": newID("env"),
		"txt_record_key":    "_scalekit-challenge." + s.fresh + ".example.com",
		"txt_record_secret": "scalekit-verification-" + s.fresh, "verification_status": status,
		"verification_method": "DNS", "updated_at": s.time(0),
	}
}

func (s sampler) account() object {
	user := object{
		"id": s.user, "email": s.email(), "external_id": "hr-" + s.fresh, "metadata": object{"team": "compilers"},
		"create_time": s.time(48 * time.Hour), "update_time": s.time(0), "user_profile": s.profile(),
	}
	if s.about("user.log") {
		user["last_login_time"] = s.time(0)
	}
	return user
}

func (s sampler) profile() object {
	return object{
		"id": newID("usp"), "name": "Grace Hopper", "given_name": "Grace", "family_name": "Hopper", "email_verified": true,
		"phone_number": "+12025550143", "phone_number_verified": false, "picture": "https://cdn.example.com/grace.png",
		"locale": "en-US", "gender": "", "preferred_username": "grace." + s.fresh, "groups": []string{"navy"},
		"custom_attributes": object{"rank": "rear admiral"}, "metadata": object{},
		"external_identities": []object{{
			"connection_id": newID("conn"), "connection_provider": "OKTA", "connection_type": "OIDC",
			"connection_user_id": "00u" + s.fresh, "is_social": false, "created_time": s.time(48 * time.Hour),
			"last_login_time": s.time(0), "last_synced_time": s.time(0),
		}},
	}
}

func (s sampler) session() object {
	session := object{
		"session_id": newID("ses"), "user_id": s.user, "organization_id": s.organization,
		"authenticated_organizations": []string{s.organization}, "status": "ACTIVE", "created_at": s.time(time.Hour),
		"updated_at": s.time(0), "last_active_at": s.time(0), "idle_expires_at": s.time(-time.Hour),
		"absolute_expires_at": s.time(-24 * time.Hour), "expired_at": nil, "logout_at": nil, "device": sampleDevice(),
	}
	if s.native == "user.logout" {
		session["status"], session["logout_at"] = "LOGGED_OUT", s.time(0)
	}
	return session
}

func sampleDevice() object {
	return object{
		"browser": "Firefox", "browser_version": "140.0", "device_type": "desktop", "ip": "203.0.113.7", "os": "Linux",
		"os_version": "", "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"location": object{
			"city": "Arlington", "region": "US", "region_subdivision": "USVA", "latitude": "38.8799", "longitude": "-77.1068",
		},
	}
}

func (s sampler) directory() object {
	return object{
		"id": newID("dir"), "organization_id": s.organization, "directory_type": "SCIM", "provider": "OKTA",
		"enabled": s.native == "organization.directory_enabled", "updated_at": s.time(0),
	}
}

func (s sampler) directoryUser() object {
	user := object{
		"id": newID("diruser"), "organization_id": s.organization, "dp_id": "00u" + s.fresh, "email": s.email(),
	}
	if s.native == "organization.directory.user_deleted" {
		return user
	}
	maps.Copy(user, object{
		"active": true, "name": "Grace Hopper", "given_name": "Grace", "family_name": "Hopper", "nickname": "Amazing Grace",
		"preferred_username": "grace." + s.fresh, "picture": "https://cdn.example.com/grace.png",
		"profile": "https://people.example.com/grace", "phone_number": "+12025550143",
		"address": object{"street_address": "1 Navy Way", "locality": "Arlington", "region": "VA", "country": "US"},
		"title":   "Rear Admiral", "department": "Compilers", "division": "Research", "cost_center": "4711",
		"employee_id": "E-" + s.fresh, "user_type": "employee", "organization": "Navy", "language": "en",
		"locale": "en-US", "zoneinfo": "America/New_York", "groups": []object{{"id": newID("dirgroup"), "name": "Navy"}},
		"roles": []object{{"role_name": "member"}}, "custom_attributes": object{"ship": "Hopper"},
		"raw_attributes": object{"userName": s.email()},
	})
	return user
}

func (s sampler) directoryGroup() object {
	return object{
		"id": newID("dirgroup"), "organization_id": s.organization, "directory_id": newID("dir"),
		"display_name": "Navy " + s.fresh, "external_id": nil, "dp_id": "00g" + s.fresh,
		"raw_attributes": object{"displayName": "Navy " + s.fresh},
	}
}

func (s sampler) connection() object {
	c := object{
		"id": newID("conn"), "organization_id": s.organization, "connection_type": "OIDC", "provider": "OKTA",
	}
	switch s.native {
	case "organization.sso_enabled":
		c["enabled"], c["status"] = true, "COMPLETED"
	case "organization.sso_disabled":
		c["enabled"], c["status"] = false, "COMPLETED"
	}
	return c
}

func (s sampler) role() object {
	return object{
		"id": newID("role"), "name": "approver_" + s.fresh, "display_name": "Approver",
		"description": "Approves invoices", "extends": "member",
	}
}

func (s sampler) connectedAccount() object {
	a := object{
		"id": newID("ca"), "identifier": "user-" + s.fresh, "connection_id": newID("conn"), "connection_name": "Gmail",
		"provider": "GOOGLE", "authorization_type": "OAUTH", "status": "ACTIVE",
	}
	switch s.native {
	case "connected_account.status_updated":
		a["status"], a["old_status"] = "EXPIRED", "ACTIVE"
		return a
	case "connected_account.token_refresh_failed":
		a["status"] = "EXPIRED"
	case "connected_account.magic_link_generated":
		a["status"] = "PENDING_AUTH"
	}
	a["token_expires_at"], a["last_used_at"] = s.time(-time.Hour), s.time(time.Minute)
	return a
}

// simple is what the simplified catalogue shows of an event.
func (s sampler) simple() object {
	user := object{"userId": s.user}
	switch s.native {
	case "user.authenticated":
		return object{"userId": s.user, "organizationId": s.organization, "email": s.email(), "method": "sso"}
	case "user.authentication_failed":
		return object{"email": s.email(), "reason": "invalid_credentials"}
	case "user.created":
		return object{"userId": s.user, "email": s.email(), "organizationId": s.organization}
	case "user.updated":
		return object{"userId": s.user, "changes": []string{"email", "name"}}
	case "session.created", "session.expired":
		return object{"sessionId": newID("ses"), "userId": s.user}
	case "connection.created":
		return object{"connectionId": newID("conn"), "organizationId": s.organization, "type": "SAML"}
	case "connection.enabled":
		return object{"connectionId": newID("conn")}
	case "scim.user_provisioned":
		user["organizationId"] = s.organization
	}
	return user // also of user.deleted and scim.user_deprovisioned
}
